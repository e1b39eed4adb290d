/** Whoever ends when a signal aborts. */
export interface AbortListener {
  end(reason: unknown): void;
}

interface Following {
  readonly followers: Set<AbortListener>;
  readonly onAbort: () => void;
}

const followed = new WeakMap<AbortSignal, Following>();

/** One listener per signal, however many calls share it: Node.js warns of many, and each costs as much as a call. */
export function addAbortListener(signal: AbortSignal, follower: AbortListener): void {
  const known = followed.get(signal);
  if (known !== undefined) {
    known.followers.add(follower);
    return;
  }
  const followers = new Set([follower]);
  const onAbort = (): void => {
    followed.delete(signal);
    for (const each of followers) each.end(signal.reason);
  };
  followed.set(signal, { followers, onAbort });
  signal.addEventListener('abort', onAbort, { once: true });
}

export function removeAbortListener(signal: AbortSignal, follower: AbortListener): void {
  const known = followed.get(signal);
  if (known === undefined) return;
  known.followers.delete(follower);
  if (known.followers.size > 0) return;
  followed.delete(signal);
  signal.removeEventListener('abort', known.onAbort);
}
