import { followAbort } from '../util/abort-listeners.js';
import { Cancellation } from './cancellation.js';

/** The signals that tell a caller's function that its call has ended. Each part is made when first read. */
export class CallSignals {
  #controller: AbortController | undefined;
  #cancellation: Cancellation | undefined;

  /** Aborts when the call ends early. */
  get ended(): AbortSignal {
    return (this.#controller ??= new AbortController()).signal;
  }

  /** Costs less than a signal: for goldkey's own adapters. */
  get cancellation(): Cancellation {
    return (this.#cancellation ??= new Cancellation());
  }

  /** The call has settled: what its function left running still ends when the caller's own signal aborts. */
  follow(signal: AbortSignal): void {
    if (this.#controller !== undefined) followAbort(signal, this.#controller);
  }

  abort(reason: unknown): void {
    this.#controller?.abort(reason);
    this.#cancellation?.end(reason);
  }
}
