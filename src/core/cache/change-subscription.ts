import type { CheckedOptions } from '../options.js';
import { Resubscriber } from '../util/resubscriber.js';
import { MIN_RELOAD_INTERVAL_MS, NOTICE_SPREAD_MS, RESUBSCRIBE_FIRST_MS, RESUBSCRIBE_LAST_MS } from './timing.js';

/** Functions that a {@link ChangeSubscription} calls. */
export interface ChangeHandlers {
  /** Called when the store is to be asked. */
  onDue(): void;
  /** Called at once when the store names the version that has changed. */
  onVersion(version: string): void;
}

/**
 * Listens to a store that tells of changes. Notices within a second are answered by one load, at a random moment of that
 * second, so that a fleet does not ask all at once. A failed subscription is tried again and fails no call.
 */
export class ChangeSubscription {
  readonly #options: CheckedOptions;
  readonly #handlers: ChangeHandlers;
  readonly #resubscriber: Resubscriber;
  #unsubscribe: (() => Promise<void>) | undefined;
  #timer: { cancel(): void } | undefined;
  #dueAt = -Infinity;
  #isStarted = false;
  #isClosed = false;

  constructor(options: CheckedOptions, handlers: ChangeHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    const { clock } = options;
    const pauses = { first: RESUBSCRIBE_FIRST_MS, last: RESUBSCRIBE_LAST_MS };
    this.#resubscriber = new Resubscriber(() => this.#subscribe(), { clock, ...pauses });
  }

  /** Subscribes, unless that was done before. */
  start(): void {
    if (this.#isStarted || this.#isClosed) return;
    this.#isStarted = true;
    this.#subscribe().catch(() => this.#resubscriber.resubscribe());
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#resubscriber.stop();
    this.#timer?.cancel();
    await this.#end();
  }

  async #subscribe(): Promise<void> {
    this.#unsubscribe = await this.#options.keyProvider.subscribe?.((change?: { version?: string | undefined }) => {
      if (typeof change?.version === 'string') this.#handlers.onVersion(change.version);
      this.#scheduleLoad();
    });
    if (this.#isClosed) await this.#end();
    // A change from before the subscription was not told.
    else this.#scheduleLoad();
  }

  async #end(): Promise<void> {
    try {
      await this.#unsubscribe?.();
    } catch {
      // The provider is closed next, which ends the subscription too.
    }
  }

  #scheduleLoad(): void {
    if (this.#isClosed || this.#timer !== undefined) return;
    const { clock } = this.#options;
    const now = clock.monotonic();
    this.#dueAt = Math.max(now + Math.random() * NOTICE_SPREAD_MS, this.#dueAt + MIN_RELOAD_INTERVAL_MS);
    const onTimer = (): void => {
      this.#timer = undefined;
      this.#handlers.onDue();
    };
    this.#timer = clock.setTimeout(onTimer, Math.ceil(this.#dueAt - now), { unref: true });
  }
}
