import type { Duplex } from 'node:stream';
import { asUint8Array, describeType, invalidType } from '../core/index.js';

/** How much is written to a stream at once, in bytes: a stream of the SDK takes what it is given into its memory. */
const PIECE_BYTES = 65_536;

/** Gives bytes, and texts as UTF-8, in pieces of at most 64 KiB; `check` sees each before it is given. */
export async function* splitBytes(
  source: Iterable<unknown> | AsyncIterable<unknown>,
  check: (piece: Uint8Array) => void = () => undefined,
): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : asUint8Array(chunk);
    if (bytes === undefined) throw invalidType(`The stream takes bytes or strings, got ${describeType(chunk)}.`);
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      // The same memory: a Buffer is not copied once more.
      const piece = Buffer.from(bytes.buffer, bytes.byteOffset + at, Math.min(PIECE_BYTES, bytes.length - at));
      check(piece);
      yield piece;
    }
  }
}

/** Writes `source` to a stream of the SDK and gives what it makes of it. The stream ends with whoever reads. */
export async function* passThrough(
  stream: Duplex,
  source: AsyncIterable<Buffer>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const { PassThrough, pipeline } = process.getBuiltinModule('node:stream');
  // Of objects: a stream of bytes would join what waits, and leave the parts in memory that nobody zeroes.
  const pieces = new PassThrough({ objectMode: true, highWaterMark: 1 });
  // It may fail once more after it was told to end.
  stream.on('error', () => undefined);
  // An error destroys `pieces` as well, and comes from there.
  pipeline(source, stream, pieces, () => undefined);
  for await (const piece of pieces as AsyncIterable<Uint8Array>) {
    signal?.throwIfAborted();
    yield piece;
  }
}
