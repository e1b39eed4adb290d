interface Closable {
  close?(): Promise<void>;
}

const users = new WeakMap<Closable, number>();

/** Counts a user of a store or cipher that the caller may have handed to several of ours. */
export function acquire(used: Closable): void {
  users.set(used, (users.get(used) ?? 0) + 1);
}

/** Closes it with its last user. */
export async function release(used: Closable): Promise<void> {
  const left = (users.get(used) ?? 1) - 1;
  users.set(used, left);
  if (left === 0) await used.close?.();
}
