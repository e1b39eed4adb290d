interface Closable {
  close?(): Promise<void>;
}

const counts = new WeakMap<Closable, number>();

/** Counts a provider's references to a store and ciphers that it may share with other providers. */
export function countReferences(parts: readonly Closable[]): { acquire(): void; release(): Promise<void> } {
  let isHeld = false;
  return {
    /** Counts the provider as a user: when it is made, and when it is used again after it was closed. */
    acquire() {
      if (isHeld) return;
      isHeld = true;
      for (const part of parts) counts.set(part, (counts.get(part) ?? 0) + 1);
    },
    /** Closes the parts that no other provider uses. */
    async release() {
      if (!isHeld) return;
      isHeld = false;
      const close = async (part: Closable): Promise<void> => {
        const left = (counts.get(part) ?? 1) - 1;
        counts.set(part, left);
        if (left === 0) await part.close?.();
      };
      await Promise.all(parts.map(close));
    },
  };
}
