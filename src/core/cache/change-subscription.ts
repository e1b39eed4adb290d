import { ASK_EVERY, LISTEN_AGAIN_LAST, LISTEN_AGAIN_FIRST, NOTICE_SPREAD } from './timing.js';
import type { CheckedOptions } from '../options.js';

/**
 * Listens to a store that tells of changes. Notices within a second become one, at a moment drawn within that second,
 * so that a fleet does not ask all at once. A failed subscription is tried again and fails no call.
 */
export class ChangeSubscription {
  readonly #options: CheckedOptions;
  readonly #onDue: () => void;
  readonly #onVersion: (version: string) => void;
  #unsubscribe: (() => Promise<void>) | undefined;
  #timer: { cancel(): void } | undefined;
  #dueAt = -Infinity;
  #listening = false;
  #closed = false;

  /** `onDue` when the store is to be asked; `onVersion` at once, when it says what has changed. */
  constructor(options: CheckedOptions, onDue: () => void, onVersion: (version: string) => void) {
    this.#options = options;
    this.#onDue = onDue;
    this.#onVersion = onVersion;
  }

  /** Subscribes, once. */
  listen(pause: number = LISTEN_AGAIN_FIRST): void {
    const { keyProvider, clock } = this.#options;
    if (this.#listening || this.#closed) return;
    this.#listening = true;
    // One chain of attempts: the loads that come meanwhile find it listening.
    const retry = (): void => {
      const again = (): void => {
        this.#listening = false;
        this.listen(Math.min(pause * 2, LISTEN_AGAIN_LAST));
      };
      clock.setTimeout(again, pause, { unref: true });
    };
    const subscribed = (unsubscribe: (() => Promise<void>) | undefined): void => {
      this.#unsubscribe = unsubscribe;
      if (this.#closed) void this.#leave();
      // What changed while nobody listened was not told.
      else this.#noticed();
    };
    const onChange = (change?: { version?: string | undefined }): void => {
      if (typeof change?.version === 'string') this.#onVersion(change.version);
      this.#noticed();
    };
    void (async () => keyProvider.subscribe?.(onChange))().then(subscribed, retry);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#leave();
  }

  /** A subscription that does not end well is over all the same. */
  async #leave(): Promise<void> {
    try {
      await this.#unsubscribe?.();
    } catch {
      // The store is closed next: that is the end of it.
    }
  }

  #noticed(): void {
    if (this.#closed || this.#timer !== undefined) return;
    const { clock } = this.#options;
    const mono = clock.monotonic();
    this.#dueAt = Math.max(mono + Math.random() * NOTICE_SPREAD, this.#dueAt + ASK_EVERY);
    this.#timer = clock.setTimeout(
      () => {
        this.#timer = undefined;
        this.#onDue();
      },
      Math.ceil(this.#dueAt - mono),
      { unref: true },
    );
  }
}
