import type { AsyncLocalStorage } from 'node:async_hooks';
import { timeLimits, tryOrUndefined, type TimeLimit } from '../core/index.js';
import type { LambdaContext } from './options.js';

// Which invocation a call belongs to. AsyncLocalStorage knows it for every promise of the process, and on Node.js 20 and 22
// makes each of them slower. Most environments run one invocation at a time: that one is `shared`, and needs no storage.
// Storage is there only while invocations run side by side, for those that started beside the shared one.

const running: {
  /** The newest invocation outside of any storage. */
  shared?: Invocation | undefined;
  /** The invocation whose handler is being called right now. */
  starting?: Invocation | undefined;
} = {};
let storage: AsyncLocalStorage<Invocation> | undefined;
/** The running invocations that are kept in `storage`. */
const stored = new Set<Invocation>();

/** One invocation of one wrapped handler. */
export class Invocation {
  /** The invocation that this one is a part of: a handler may be wrapped more than once. */
  readonly parent: Invocation | undefined;
  readonly context: Partial<LambdaContext> | undefined;
  readonly #margin: number;
  readonly #isCut: () => boolean;
  #hasEnded = false;

  /** `isCut` returns true if the end of the invocation will not be told. */
  constructor(given: unknown, margin: number, isCut: () => boolean = () => false) {
    this.context = getLambdaContext(given);
    this.#margin = margin;
    this.#isCut = isCut;
    this.parent = [running.starting, storage?.getStore(), running.shared].find(
      (one) => one?.isOver === false && (one === running.starting || one.context === this.context),
    );
  }

  get isOver(): boolean {
    return this.#hasEnded || this.#isCut();
  }

  /** Returns the time until Lambda ends the invocation, in ms; `Infinity` where the context does not say. */
  getTimeLeft(): number {
    const left: unknown = tryOrUndefined(() => this.context?.getRemainingTimeInMillis?.());
    return typeof left === 'number' && !Number.isNaN(left) ? left : Infinity;
  }

  /** Returns the time that a call of this invocation may take. What goes on after its end is not limited. */
  readonly limit: TimeLimit = () => {
    const outer = this.parent?.limit() ?? Infinity;
    return this.isOver ? outer : Math.min(outer, this.getTimeLeft() - this.#margin);
  };

  /** Calls `handler`, and takes the calls that it makes, now and later, for this invocation's. */
  run<T>(handler: () => T): T {
    const outer = running.starting;
    running.starting = this;
    try {
      return this.#becomeShared() ? handler() : getStorage(this).run(this, handler);
    } finally {
      running.starting = outer;
    }
  }

  /** Takes the calls made from here on for this invocation's. */
  enter(): void {
    if (!this.#becomeShared()) getStorage(this).enterWith(this);
  }

  end(): void {
    this.#hasEnded = true;
    forgetEnded();
  }

  /** Returns false if another invocation runs outside of the storage, or this one was started inside of it. */
  #becomeShared(): boolean {
    // Lambda ends what has no time left. Elsewhere its handler may hang, and should not keep its place for ever.
    while (running.shared !== undefined && running.shared !== this.parent && running.shared.getTimeLeft() <= 0)
      running.shared = running.shared.parent;
    forgetEnded();
    if (storage?.getStore() !== undefined || (running.shared !== undefined && running.shared !== this.parent))
      return false;
    running.shared = this;
    timeLimits.shared = this.limit;
    return true;
  }
}

/** Lets go of invocations that are over, and of the storage once none is running: it also knows what an ended one left behind. */
function forgetEnded(): void {
  while (running.shared?.isOver === true) running.shared = running.shared.parent;
  timeLimits.shared = running.shared?.limit;
  for (const one of stored) if (one.isOver) stored.delete(one);
  if (stored.size > 0 || running.shared !== undefined || storage === undefined) return;
  timeLimits.findOwn = undefined;
  storage.disable();
  // A new one next time: in this one contexts that are still alive hold invocations that are over.
  storage = undefined;
}

function getStorage(invocation: Invocation): AsyncLocalStorage<Invocation> {
  stored.add(invocation);
  if (storage !== undefined) return storage;
  const { AsyncLocalStorage: Storage } = process.getBuiltinModule('node:async_hooks');
  const created = new Storage<Invocation>();
  timeLimits.findOwn = () => created.getStore()?.limit;
  return (storage = created);
}

/** Returns the context that tells the time left, if it is one: a durable execution has Lambda's inside its own. */
function getLambdaContext(given: unknown): Partial<LambdaContext> | undefined {
  const context =
    tryOrUndefined(() => (given as { lambdaContext?: unknown } | null | undefined)?.lambdaContext) ?? given;
  return typeof context === 'object' && context !== null ? context : undefined;
}

/** Returns the context among a handler's arguments: the second, or the third where the second is the response stream. */
export function findContext(args: readonly unknown[]): unknown {
  const isTimed = (arg: unknown): boolean =>
    typeof tryOrUndefined(() => getLambdaContext(arg)?.getRemainingTimeInMillis) === 'function';
  return args.find(isTimed) ?? args[1];
}
