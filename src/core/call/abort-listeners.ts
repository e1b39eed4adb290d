/** An object that ends when a signal aborts. */
export interface AbortListener {
  end(reason: unknown): void;
}

interface SignalListeners {
  readonly listeners: Set<AbortListener>;
  readonly onAbort: () => void;
}

const bySignal = new WeakMap<AbortSignal, SignalListeners>();

/** Ends `listener` when `signal` aborts. A signal gets one event listener however many calls share it: Node.js warns of more. */
export function addAbortListener(signal: AbortSignal, listener: AbortListener): void {
  const known = bySignal.get(signal);
  if (known !== undefined) {
    known.listeners.add(listener);
    return;
  }
  const listeners = new Set([listener]);
  const onAbort = (): void => {
    bySignal.delete(signal);
    for (const each of listeners) each.end(signal.reason);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  bySignal.set(signal, { listeners, onAbort });
}

/** Stops what {@link addAbortListener} started. */
export function removeAbortListener(signal: AbortSignal, listener: AbortListener): void {
  const known = bySignal.get(signal);
  if (known === undefined) return;
  known.listeners.delete(listener);
  if (known.listeners.size > 0) return;
  bySignal.delete(signal);
  signal.removeEventListener('abort', known.onAbort);
}
