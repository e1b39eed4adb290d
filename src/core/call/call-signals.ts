import { Cancellation } from './cancellation.js';

/** What tells a caller's function that its call has ended. Each part is made when first read. */
export class CallSignals {
  #controller: AbortController | undefined;
  #cancellation: Cancellation | undefined;
  #joined: AbortSignal | undefined;

  /** Aborts when the call ends early. */
  get ended(): AbortSignal {
    return (this.#controller ??= new AbortController()).signal;
  }

  /** Costs less than a signal: for goldkey's own adapters. */
  get cancellation(): Cancellation {
    return (this.#cancellation ??= new Cancellation());
  }

  /** Returns a signal that aborts with `other` too. */
  joinedWith(other: AbortSignal | undefined): AbortSignal {
    return (this.#joined ??= other === undefined ? this.ended : AbortSignal.any([other, this.ended]));
  }

  abort(reason: unknown): void {
    this.#controller?.abort(reason);
    this.#cancellation?.end(reason);
  }
}
