// What may go wrong, by chance.

const PRICE_FAULTS = [
  ...['http-500', 'http-503', 'rate-limited', 'quota', 'plan'],
  ...['reset', 'slow', 'malformed', 'implausible', 'huge'],
];
const KMS_FAULTS = [
  ...['throttling', 'internal', 'dependency-timeout', 'key-unavailable', 'access-denied', 'disabled'],
  ...['expired-token', 'slow', 'reset', 'http-503', 'truncated'],
];

/** The faults queued at a fake, in its own order: which of them a request has met. */
export class FaultLog {
  #pending = [];
  shown = {};

  get empty() {
    return this.#pending.length === 0;
  }

  add(fault, times) {
    this.#pending.push({ fault, left: times });
  }

  /** A request came, and was answered with `status`, 0 being no answer. */
  take(status) {
    const [first] = this.#pending;
    if (first === undefined) return undefined;
    // A client that had left before its fault was shown leaves it to the next.
    if (status === 0 && first.fault !== 'slow' && first.fault !== 'reset') return undefined;
    if (--first.left === 0) this.#pending.shift();
    this.shown[first.fault] = (this.shown[first.fault] ?? 0) + 1;
    return first.fault;
  }

  clear() {
    this.#pending.length = 0;
  }
}

/** Lets a desk's APIs go wrong, each fault in its turn; `later` sees to it that an outage ends. */
export function faultsOf({ below, chance, deckOf }, later) {
  const nextPriceFault = deckOf(PRICE_FAULTS);
  const nextKmsFault = deckOf(KMS_FAULTS);
  return (desk) => {
    if (desk.priceFaults.empty && chance(0.22)) {
      // Often one fault behind another, so that a retry meets the second.
      do {
        const fault = nextPriceFault();
        // A slow one holds a connection for as long as a call may last.
        desk.fault(fault, 1 + below(fault === 'slow' ? 2 : 4));
      } while (chance(0.3));
    }
    if (desk.kmsFaults.empty && chance(0.02)) {
      // Most outages are of a few requests; some last until somebody sees to it.
      const lasting = chance(0.2);
      desk.kmsFault(nextKmsFault(), lasting ? Infinity : 1 + below(4));
      if (!lasting) return;
      desk.alarm();
      later(60_000 + below(1_200_000), desk, () => desk.healKms());
    }
  };
}
