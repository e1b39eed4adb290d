interface Closable {
  close?(): Promise<void>;
}

const users = new WeakMap<Closable, number>();

/** One provider's hold on a store and ciphers that the caller may have handed to several of ours. */
export class Hold {
  readonly #parts: readonly Closable[];
  #held = false;

  constructor(parts: readonly Closable[]) {
    this.#parts = parts;
  }

  /** Counts this provider in: when it is made, and when it is used again after it was closed. */
  take(): void {
    if (this.#held) return;
    this.#held = true;
    for (const part of this.#parts) users.set(part, (users.get(part) ?? 0) + 1);
  }

  /** Closes each with its last user. */
  async release(): Promise<void> {
    if (!this.#held) return;
    this.#held = false;
    await Promise.all(
      this.#parts.map(async (part) => {
        const left = (users.get(part) ?? 1) - 1;
        users.set(part, left);
        if (left === 0) await part.close?.();
      }),
    );
  }
}
