import { copyBytes } from '../core/index.js';

const [QUOTE, COLON, BACKSLASH] = [0x22, 0x3a, 0x5c];
const SPACE: readonly number[] = [0x20, 0x09, 0x0a, 0x0d];

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
    return this.take(undefined).text;
  }

  /**
   * Returns the text without the value of its first JSON string named `field`, and that value as bytes, which the caller
   * zeroes. A value with escapes stays in the text.
   */
  take(field: string | undefined): { text: string; secret?: Uint8Array } {
    const [only] = this.#chunks;
    if (this.#chunks.length === 1 && Buffer.isBuffer(only)) return cut(only, field);
    const whole = Buffer.concat(this.#chunks);
    try {
      return cut(whole, field);
    } finally {
      // It lies in Node.js's buffer pool, where it would outlive the chunks.
      whole.fill(0);
    }
  }

  /** Zeroes the chunks. Only for chunks that no other code holds. */
  wipe(): void {
    for (const chunk of this.#chunks) chunk.fill(0);
  }
}

function cut(body: Buffer, field: string | undefined): { text: string; secret?: Uint8Array } {
  if (field === undefined) return { text: body.toString('utf8') };
  const name = `"${field}"`;
  for (let at = body.indexOf(name); at >= 0; at = body.indexOf(name, at + 1)) {
    const colon = skipSpace(body, at + name.length);
    const quote = skipSpace(body, colon + 1);
    const end = body.indexOf(QUOTE, quote + 1);
    const value = body.subarray(quote + 1, end);
    // Else it is a value, or the name of something else than a string.
    if (body[colon] !== COLON || body[quote] !== QUOTE || end < 0) continue;
    if (value.includes(BACKSLASH)) break;
    return { text: body.toString('utf8', 0, quote + 1) + body.toString('utf8', end), secret: copyBytes(value) };
  }
  return { text: body.toString('utf8') };
}

function skipSpace(body: Buffer, from: number): number {
  let at = from;
  while (SPACE.includes(body[at] ?? 0)) at++;
  return at;
}
