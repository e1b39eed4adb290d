import { tryOrUndefined } from './safe-access.js';

/** An object that ends when a signal aborts. */
export interface AbortListener {
  end(reason: unknown): void;
}

/** Returns why a signal has aborted. Old implementations do not say. */
export function readAbortReason(signal: AbortSignal): unknown {
  const { reason } = signal as { readonly reason?: unknown };
  return reason === undefined ? new DOMException('This operation was aborted', 'AbortError') : reason;
}

interface SignalListeners {
  readonly listeners: Set<AbortListener>;
  /** Signals that abort too, as long as somebody else holds them. */
  readonly followers: Set<WeakRef<AbortSignal>>;
  readonly onAbort: () => void;
}

const bySignal = new WeakMap<AbortSignal, SignalListeners>();
/** Holds the controller of a follower as long as its signal is held. */
const controllers = new WeakMap<AbortSignal, AbortController>();
let collected: FinalizationRegistry<{ signal: WeakRef<AbortSignal>; follower: WeakRef<AbortSignal> }> | undefined;

/** Ends `listener` when `signal` aborts. A signal gets one event listener however many calls share it: Node.js warns of more. */
export function addAbortListener(signal: AbortSignal, listener: AbortListener): void {
  getListeners(signal).listeners.add(listener);
}

/** Stops what {@link addAbortListener} started. */
export function removeAbortListener(signal: AbortSignal, listener: AbortListener): void {
  const known = bySignal.get(signal);
  if (known === undefined) return;
  known.listeners.delete(listener);
  removeIfUnused(signal, known);
}

/**
 * Aborts `controller` when `signal` aborts, if anybody still holds the controller's signal by then. Unlike
 * `AbortSignal.any` it keeps nothing alive: a signal that lives as long as the process would keep 1 KB a call.
 */
export function followAbort(signal: AbortSignal, controller: AbortController): void {
  const follower = new WeakRef(controller.signal);
  controllers.set(controller.signal, controller);
  getListeners(signal).followers.add(follower);
  collected ??= new FinalizationRegistry((gone) => {
    const source = gone.signal.deref();
    const known = source === undefined ? undefined : bySignal.get(source);
    if (source === undefined || known === undefined) return;
    known.followers.delete(gone.follower);
    removeIfUnused(source, known);
  });
  collected.register(controller.signal, { signal: new WeakRef(signal), follower });
}

function getListeners(signal: AbortSignal): SignalListeners {
  const known = bySignal.get(signal);
  if (known !== undefined) return known;
  const listeners = new Set<AbortListener>();
  const followers = new Set<WeakRef<AbortSignal>>();
  const onAbort = (): void => {
    forget(signal, onAbort);
    const reason = readAbortReason(signal);
    for (const listener of listeners) listener.end(reason);
    for (const follower of followers) {
      const held = follower.deref();
      if (held !== undefined) controllers.get(held)?.abort(reason);
    }
  };
  signal.addEventListener('abort', onAbort);
  const added = { listeners, followers, onAbort };
  bySignal.set(signal, added);
  return added;
}

function removeIfUnused(signal: AbortSignal, { listeners, followers, onAbort }: SignalListeners): void {
  if (listeners.size === 0 && followers.size === 0) forget(signal, onAbort);
}

/** Removes the event listener. A signal that throws there must not keep a call from its answer. */
function forget(signal: AbortSignal, onAbort: () => void): void {
  bySignal.delete(signal);
  tryOrUndefined(() => signal.removeEventListener('abort', onAbort));
}
