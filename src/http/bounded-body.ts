/** The error of a body that is longer than allowed. The rest of it was not read. */
export class BodyTooLarge extends Error {}

/** Returns the text of a body of at most `limit` bytes. */
export async function readBody(body: AsyncIterable<Uint8Array> | null, limit: number): Promise<string> {
  const collector = new Collector(limit);
  // Leaving the loop early destroys the body, and with it the connection.
  for await (const chunk of body ?? []) if (!collector.add(chunk)) throw new BodyTooLarge();
  return collector.text();
}

/** Keeps the chunks of a body, up to a limit of bytes. */
export class Collector {
  readonly #limit: number;
  readonly #chunks: Uint8Array[] = [];
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Returns false when the chunk exceeds the limit. */
  add(chunk: Uint8Array): boolean {
    this.#size += chunk.byteLength;
    this.#chunks.push(chunk);
    return this.#size <= this.#limit;
  }

  text(): string {
    const [only] = this.#chunks;
    if (this.#chunks.length === 1 && Buffer.isBuffer(only)) return only.toString('utf8');
    const whole = Buffer.concat(this.#chunks);
    const text = whole.toString('utf8');
    // It lies in Node.js's buffer pool, where it would outlive the chunks.
    whole.fill(0);
    return text;
  }

  /** Zeroes the chunks. Only for chunks that no other code holds. */
  wipe(): void {
    for (const chunk of this.#chunks) chunk.fill(0);
  }
}
