// How often KMS may be asked. Every load has to have a reason that came since the load before it, and no reason serves
// twice:
//
//   life      the key is due: 210 s at least since the last one that came (90 % of five minutes, less the minute of
//             refreshAhead)
//   failure   the last load failed, and half of its back-off window (1, 2, 4 … 30 s) has passed
//   step      the wall clock was set, or frozen
//   order     evict() or reload() was called. The load of an evict() may have to wait for a second; a reload() meanwhile has
//             one of its own after it
//   refusal   the price API refused the key, no call has succeeded since, and the pause since the end of the last reload of
//             this kind has passed: 1 s after a changed key, 5, 10, 20, 30 s while it stays the same
//
// A load is one request, and one more for each of its requests that failed, three at most. So in any window of W seconds
//
//   requests <= 1 + W / 210 s + steps + orders + changed keys + failed requests that were repeated within their load
//               + for each outage in it:          1 + the least back-offs of 0.5, 1, 2, 4, 8, 15, 15 … s that fit into it,
//                                                 and over all of them no more than there were failed loads
//               + for each spell of refusal in it: 1 + the pauses of 5, 10, 20, 30, 30 … s that fit into it
//
// where an order counts for two seconds, for as long as its load may have to wait; an outage lasts from the first failed load to the last without a good one between, and a spell of refusal from the
// first refused call to the last without a good one between. Nothing in this is drawn from the client's own counts.

const LEAST_LIFE = 210_000;
const FIRST_PAUSE = 5_000;
const FIRST_BACKOFF = 1_000;
const LONGEST_PAUSE = 30_000;
const CHANGED_PAUSE = 1_000;
/** A load after evict() starts a second after the one before, and so does one of reload(). */
const ORDER_WAIT = 2_000;
const ROOM = 1 << 18;

/** Moments, in order, in memory that is there from the start: what is measured must not grow by being measured. */
class Moments {
  #at = new Float64Array(ROOM);
  count = 0;

  push(at) {
    if (this.count === ROOM) throw new Error('There is no room for more moments.');
    this.#at[this.count++] = at;
  }

  at(index) {
    return this.#at[index];
  }

  set last(at) {
    this.#at[this.count - 1] = at;
  }

  /** How many lie in [from, to). */
  between(from, to) {
    return this.#before(to) - this.#before(from);
  }

  #before(at) {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#at[middle] < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** What lasts: from its first moment to its last. */
class Spells {
  #from = new Moments();
  #to = new Moments();
  #within;
  #open = false;

  /** `within` says how many loads a spell of so many ms allows. */
  constructor(within) {
    this.#within = within;
  }

  goesOn(at) {
    if (!this.#open) {
      this.#open = true;
      this.#from.push(at);
      this.#to.push(at);
    }
    this.#to.last = at;
  }

  ends() {
    this.#open = false;
  }

  get isOpen() {
    return this.#open;
  }

  /** The loads allowed by the spells in [from, to), by each for its part of it. */
  allowed(from, to) {
    let allowed = 0;
    for (let index = 0; index < this.#from.count; index++) {
      const start = Math.max(from, this.#from.at(index));
      const end = Math.min(to, this.#to.at(index));
      if (start <= end) allowed += this.#within(end - start);
    }
    return allowed;
  }
}

/** One load, and one after each of the pauses that fit into a spell: they double from the first to the longest. */
export const loadsWithin = (first, longest) => (ms) => {
  let count = 1;
  let pause = first;
  for (let at = pause; at <= ms; at += pause) {
    count++;
    pause = Math.min(pause * 2, longest);
  }
  return count;
};

/** What KMS was asked, and why. Times are on the monotonic clock. */
export class LoadLedger {
  violations = [];
  causes = { first: 0, life: 0, failure: 0, step: 0, order: 0, refusal: 0 };
  loads = 0;
  requests = new Moments();
  failedRequests = 0;
  #repeated = new Moments();
  #failures = new Moments();
  #steps = new Moments();
  #orders = new Moments();
  #changes = new Moments();
  #refusals = new Spells(loadsWithin(FIRST_PAUSE, LONGEST_PAUSE));
  #outages = new Spells(loadsWithin(FIRST_BACKOFF / 2, LONGEST_PAUSE / 2));
  #clock;
  #running = 0;
  /** Loads under way that have not come to KMS yet. */
  #coming = 0;
  #evictions = 0;
  #since = { steps: 0, evictions: 0, reloads: 0, refusals: 0 };
  #version;
  #goodAt = -Infinity;
  #failedAt = -Infinity;
  #failed = 0;
  #evictLoadAt = -Infinity;
  #mayRefuseAt = -Infinity;
  #pause = 0;
  #untried = false;

  constructor(clock) {
    this.#clock = clock;
  }

  /** The wall clock was moved. */
  step() {
    this.#since.steps++;
    this.#steps.push(this.#clock.monotonic());
  }

  evicted() {
    this.#evictions++;
    this.#since.evictions++;
    this.#orders.push(this.#clock.monotonic());
  }

  reloaded() {
    this.#since.reloads++;
    this.#orders.push(this.#clock.monotonic());
  }

  /** The price API refused a key. */
  refused() {
    this.#since.refusals++;
    this.#refusals.goesOn(this.#clock.monotonic());
  }

  /** A call succeeded. */
  served() {
    this.#refusals.ends();
    this.#pause = 0;
    if (!this.#untried) return;
    this.#untried = false;
    this.#mayRefuseAt = -Infinity;
  }

  /** A request has come to KMS. */
  asked(failed) {
    const mono = this.#clock.monotonic();
    this.requests.push(mono);
    if (this.#coming > 0) this.#coming--;
    else this.#repeated.push(mono);
    if (failed) this.failedRequests++;
  }

  /** A load begins. Returns what to call at its end: with its key's version, or with none. */
  begin() {
    const mono = this.#clock.monotonic();
    const cause = this.#causeAt(mono);
    this.loads++;
    if (cause === undefined) this.violations.push(`a load at ${String(mono)} ms that nothing asked for`);
    else this.causes[cause]++;
    if (cause === 'refusal') this.#refusals.goesOn(mono);
    const alone = this.#running++ === 0;
    const { loads } = this;
    this.#coming++;
    const requests = this.requests.count;
    const failed = this.failedRequests;
    const evictions = this.#evictions;
    // A load that evict() asked for is not the one of a reload() that has come while it waited.
    const reloads = cause === 'order' && this.#since.evictions > 0 ? this.#since.reloads : 0;
    this.#since = { steps: 0, evictions: 0, reloads, refusals: 0 };
    return (version) => {
      this.#running--;
      if (this.#running === 0) this.#coming = 0;
      const made = this.requests.count - requests;
      const most = Math.min(3, 1 + this.failedRequests - failed);
      if (alone && this.loads === loads && made > most)
        this.violations.push(`a load of ${String(made)} requests, of ${String(most)}`);
      // A load that evict() has overtaken teaches the client nothing.
      if (this.#evictions === evictions) this.#end(cause, version);
    };
  }

  #end(cause, version) {
    const mono = this.#clock.monotonic();
    const changed = version !== undefined && version !== this.#version;
    if (version === undefined) {
      this.#failed++;
      this.#failedAt = mono;
      this.#outages.goesOn(mono);
      this.#failures.push(mono);
    } else {
      this.#outages.ends();
      this.#failed = 0;
      this.#goodAt = mono;
      this.#version = version;
    }
    if (changed) {
      this.#changes.push(mono);
      this.#untried = true;
      this.#pause = 0;
      this.#mayRefuseAt = cause === 'refusal' ? mono + CHANGED_PAUSE : -Infinity;
    } else if (cause === 'refusal') {
      this.#pause = this.#pause === 0 ? FIRST_PAUSE : Math.min(this.#pause * 2, LONGEST_PAUSE);
      this.#mayRefuseAt = mono + this.#pause;
    }
  }

  #causeAt(mono) {
    const { steps, evictions, reloads, refusals } = this.#since;
    if (this.loads === 0) return 'first';
    if (reloads > 0) return 'order';
    if (this.#failed > 0) {
      const window = Math.min(FIRST_BACKOFF * 2 ** (this.#failed - 1), LONGEST_PAUSE);
      return mono >= this.#failedAt + window / 2 ? 'failure' : undefined;
    }
    if (evictions > 0) {
      if (mono < this.#evictLoadAt + 1_000) return undefined;
      this.#evictLoadAt = mono;
      return 'order';
    }
    if (mono >= this.#goodAt + LEAST_LIFE) return 'life';
    if (steps > 0) return 'step';
    return (refusals > 0 || this.#refusals.isOpen) && mono >= this.#mayRefuseAt ? 'refusal' : undefined;
  }

  /** The most requests there may be in [from, to), by what has happened in it. */
  allowed(from, to) {
    const happened = [this.#repeated, this.#steps, this.#changes];
    const orders = this.#orders.between(from - ORDER_WAIT, to);
    const counted = happened.reduce((sum, moments) => sum + moments.between(from, to), orders);
    const afterFailures = Math.min(this.#outages.allowed(from, to), this.#failures.between(from, to));
    return 1 + Math.floor((to - from) / LEAST_LIFE) + counted + afterFailures + this.#refusals.allowed(from, to);
  }

  /** The fullest window of `ms`, and each that holds more than it may. */
  worst(ms) {
    let worst = { requests: 0, allowed: 0 };
    for (let index = 0; index < this.requests.count; index++) {
      const from = this.requests.at(index);
      const requests = this.requests.between(from, from + ms);
      const allowed = this.allowed(from, from + ms);
      if (requests > allowed)
        this.violations.push(
          `${String(requests)} requests, of ${String(allowed)}, in the ${String(ms)} ms from ${String(from)}`,
        );
      if (requests > worst.requests) worst = { requests, allowed };
    }
    return worst;
  }
}
