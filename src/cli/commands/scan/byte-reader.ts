/** Reads a stream in parts of a known length. The chunks of the stream may be one buffer that is filled again and again. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #held: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  /** Returns the next bytes without taking them: `length`, or as many as there are. */
  async peek(length: number): Promise<Buffer> {
    while (this.#held.length < length) {
      // Copied, because the next chunk may overwrite it.
      const held = Buffer.from(this.#held);
      const next = await this.#chunks.next();
      if (next.done === true) {
        this.#held = held;
        break;
      }
      this.#held = held.length === 0 ? toBuffer(next.value) : Buffer.concat([held, next.value]);
    }
    return this.#held.subarray(0, length);
  }

  /** Takes the next bytes: `length`, or as many as there are. They stay as they are until the next call. */
  async read(length: number): Promise<Buffer> {
    const bytes = await this.peek(length);
    this.#held = this.#held.subarray(bytes.length);
    return bytes;
  }

  /** Takes a line of at most `limit` bytes, without its end; `undefined` when there is none. */
  async readLine(limit: number): Promise<string | undefined> {
    for (let length = 256; ; length *= 2) {
      const bytes = await this.peek(Math.min(length, limit));
      const end = bytes.indexOf(0x0a);
      if (end >= 0) return (await this.read(end + 1)).toString('latin1', 0, end);
      if (bytes.length < length) return undefined;
    }
  }

  /** Takes the next bytes piece by piece: `length` in all, or as many as there are. */
  async *take(length: number): AsyncGenerator<Uint8Array> {
    for (let left = length; left > 0;) {
      const bytes = await this.peek(1);
      if (bytes.length === 0) return;
      const piece = this.#held.subarray(0, left);
      this.#held = this.#held.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }
}

function toBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
