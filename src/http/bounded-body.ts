/** What a response's body can be read from. */
export type Body = AsyncIterable<Uint8Array> | null;

/** The body is longer than allowed; the rest of it was not read. */
export class BodyTooLarge extends Error {}

/** The text of a body of at most `limit` bytes. */
export async function collect(body: Body, limit: number): Promise<string> {
  const collected = new Collector(limit);
  // Leaving the loop early destroys the body, and with it the connection.
  for await (const chunk of body ?? []) if (!collected.add(chunk)) throw new BodyTooLarge();
  return collected.text();
}

/** Keeps the chunks of a body, up to a limit. */
export class Collector {
  readonly #limit: number;
  readonly #chunks: Uint8Array[] = [];
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** False when the chunk is one too many. */
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
    // It lies in Node's pool, where it would outlive what it was made of.
    whole.fill(0);
    return text;
  }

  /** Zeroes what was kept; only for chunks that nobody else has. */
  wipe(): void {
    for (const chunk of this.#chunks) chunk.fill(0);
  }
}
