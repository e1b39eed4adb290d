import type { Cancellation } from './cancellation.js';
import type { Call } from './call.js';
import type { Stage } from '../types.js';

/** What the caller's function sees of `call`. */
export let createContext: (call: Call) => KeyContext;
/** When the call ends, without the cost of a signal; `undefined` of a context that is not ours. */
export let getCancellation: (context: KeyContext) => Cancellation | undefined;
/** Takes the call out of its context's sight. */
export let closeContext: (context: KeyContext) => void;

/**
 * Handed to the caller's function: the key, and the signal to hand on. Getters on the class: destructure it; printing or
 * serialising it shows no key. Every getter throws once the call has settled.
 *
 * @example
 * ```ts
 * await client.withKey(async ({ apiKey, signal }) => fetch('https://api.example/latest', {
 *   headers: { 'x-access-token': apiKey }, signal,
 * }));
 * ```
 */
export class KeyContext {
  #call: Call | undefined;

  private constructor(call: Call) {
    this.#call = call;
  }

  static {
    createContext = (call) => new KeyContext(call);
    getCancellation = (context) => (#call in context ? live(context.#call).ending() : undefined);
    closeContext = (context) => {
      context.#call = undefined;
    };
  }

  /** The key. One string is made per cached key, when it is first read. */
  get apiKey(): string {
    return live(this.#call).record.text;
  }

  /** A copy of the key's bytes, zeroed when the call settles. */
  get bytes(): Uint8Array {
    return live(this.#call).copyBytes();
  }

  /** The key's version. */
  get version(): string {
    return live(this.#call).record.version;
  }

  /** The stage the key comes from. */
  get stage(): Stage {
    return live(this.#call).record.stage;
  }

  /** 1 for the first run of the function in this call, counting retries and repeats alike. */
  get attempt(): number {
    return live(this.#call).attempt;
  }

  /** Aborts at the call's deadline while it runs, and with the caller's own signal at any time. Made on first read. */
  get signal(): AbortSignal {
    return live(this.#call).joinedSignal();
  }

  /** @internal */
  toJSON(): object {
    return shown(this.#call);
  }

  /** @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): object {
    return shown(this.#call);
  }
}

function live(call: Call | undefined): Call {
  if (call === undefined) {
    throw new TypeError('The call has settled: read what you need of the context before its function returns.');
  }
  return call;
}

function shown(call: Call | undefined): object {
  if (call?.record === undefined) return { settled: true };
  const { version, stage } = call.record;
  return { version, stage, attempt: call.attempt };
}
