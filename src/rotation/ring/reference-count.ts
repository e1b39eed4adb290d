interface Closable {
  close?(): Promise<void>;
}

const counts = new WeakMap<Closable, number>();

/** One provider's references to a store and ciphers that it may share with other providers. */
export class References {
  readonly #parts: readonly Closable[];
  #isHeld = false;

  constructor(parts: readonly Closable[]) {
    this.#parts = parts;
  }

  /** Counts this provider as a user: when it is made, and when it is used again after it was closed. */
  acquire(): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    for (const part of this.#parts) counts.set(part, (counts.get(part) ?? 0) + 1);
  }

  /** Closes the parts that no other provider uses. */
  async release(): Promise<void> {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    await Promise.all(
      this.#parts.map(async (part) => {
        const left = (counts.get(part) ?? 1) - 1;
        counts.set(part, left);
        if (left === 0) await part.close?.();
      }),
    );
  }
}
