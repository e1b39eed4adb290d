import { getClientState, type Clock, type KeyedClient, type KeyStatus } from '../core/index.js';
import type { CheckedWatchOptions } from './check-options.js';
import { RecurringAlert } from './recurring-alert.js';
import { SpikeDetector } from './spike-detector.js';
import type { Alert } from './types.js';

/** The part that differs from alert to alert. */
export type Finding = Pick<Alert, 'kind' | 'severity' | 'value' | 'expected'>;

/** Watches one client: reads its counts once a window, on a timer that does not hold the process. Its calls cost nothing more. */
export class ClientWatch {
  readonly client: KeyedClient;
  readonly #options: CheckedWatchOptions;
  readonly #raise: (client: KeyedClient, finding: Finding) => void;
  readonly #clock: Clock;
  readonly #spikes: SpikeDetector;
  readonly #refusals = new RecurringAlert();
  readonly #stopListening: () => void;
  #timer: { cancel(): void } | undefined;
  #counts: KeyStatus['counts'];
  #readAt: number;
  #usedAt: number;
  #isUnusedTold = false;
  /** The version, and how bad its age was, that was told last. */
  #ageTold: { version: string | undefined; severity: Alert['severity'] } | undefined;

  constructor(
    client: KeyedClient,
    options: CheckedWatchOptions,
    raise: (client: KeyedClient, finding: Finding) => void,
  ) {
    this.client = client;
    this.#options = options;
    this.#raise = raise;
    this.#clock = getClientState(client).options.clock;
    this.#spikes = new SpikeDetector(options);
    this.#counts = client.status().counts;
    this.#readAt = this.#usedAt = this.#clock.monotonic();
    this.#stopListening = client.on('break-glass', ({ until }) =>
      raise(client, { kind: 'break-glass', severity: 'critical', value: until }),
    );
    this.#schedule();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#stopListening();
  }

  /** Forgets what was told, so that it is told again if it goes on. */
  reset(): void {
    this.#spikes.reset();
    this.#refusals.reset();
    this.#counts = this.client.status().counts;
    this.#readAt = this.#clock.monotonic();
  }

  #schedule(): void {
    this.#timer = this.#clock.setTimeout(() => this.#look(), this.#options.window, { unref: true });
  }

  #look(): void {
    const status = this.client.status();
    if (status.state === 'closed') {
      this.stop();
      return;
    }
    this.#schedule();
    const now = this.#clock.monotonic();
    const last = this.#counts;
    // A timer may come late: on a busy process, or after a laptop slept. After release() it comes early, and a short time is
    // no measure of a rate.
    const { window } = this.#options;
    const share = window / Math.max(window, now - this.#readAt);
    this.#counts = status.counts;
    this.#readAt = now;
    this.#checkAge(status);
    const { refusal } = getClientState(this.client);
    // While it is held nothing is learned.
    if (refusal !== undefined) return;
    const calls = status.counts.calls - last.calls;
    this.#checkUse(calls, now);
    this.#checkSpike(Math.round(calls * share));
    this.#checkRejections(Math.round((status.counts.rejections - last.rejections) * share));
  }

  #checkSpike(calls: number): void {
    if (!this.#spikes.take(calls)) return;
    const expected = Math.round(this.#spikes.expected);
    this.#raise(this.client, { kind: 'spike', severity: 'warning', value: calls, expected });
  }

  #checkRejections(rejections: number): void {
    const { rejections: limit } = this.#options;
    if (this.#refusals.take(rejections >= limit))
      this.#raise(this.client, { kind: 'rejections', severity: 'warning', value: rejections, expected: limit });
  }

  #checkUse(calls: number, now: number): void {
    const { unusedAfter } = this.#options;
    if (calls > 0) {
      this.#usedAt = now;
      this.#isUnusedTold = false;
    }
    const idle = now - this.#usedAt;
    if (this.#isUnusedTold || idle < unusedAfter) return;
    this.#isUnusedTold = true;
    this.#raise(this.client, { kind: 'unused', severity: 'warning', value: idle, expected: unusedAfter });
  }

  /** Tells of each version's age twice at most: before it is too old, and when it is. */
  #checkAge({ createdAt, version }: KeyStatus): void {
    if (createdAt === undefined) return;
    const { maxAge, warnBefore } = this.#options;
    const age = this.#clock.now() - createdAt;
    if (age < maxAge - warnBefore) return;
    const severity = age < maxAge ? 'warning' : 'critical';
    const told = this.#ageTold;
    if (told?.version === version && (told?.severity === severity || told?.severity === 'critical')) return;
    this.#ageTold = { version, severity };
    this.#raise(this.client, { kind: 'age', severity, value: age, expected: maxAge });
  }
}
