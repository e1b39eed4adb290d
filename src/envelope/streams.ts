import type { Duplex } from 'node:stream';
import { asUint8Array, describeType, invalidType } from '../core/index.js';

/** How much is written to a stream at once, in bytes: a stream of the SDK takes what it is given into its memory. */
const PIECE_BYTES = 65_536;

/** Gives bytes in pieces of at most 64 KiB; `check` sees each before it is given. */
export async function* splitBytes(
  source: Iterable<unknown> | AsyncIterable<unknown>,
  check: (piece: Uint8Array) => void = () => undefined,
): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    const bytes = asUint8Array(chunk);
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
  // It carries objects: a stream of bytes would join what waits, and leave the parts in memory that nobody zeroes.
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

/**
 * Makes a stream that encrypts go on to its end when it is destroyed, without a reader: the SDK's would throw an error that
 * nobody can catch.
 */
export function endInsteadOfDestroy(stream: Duplex): void {
  stream.destroy = () => stream.end().unpipe().resume();
}

/** Creates a stream of what `run` makes of the bytes and texts that are written to it. `signal` aborts when it is destroyed. */
export function createDuplex(
  run: (source: AsyncIterable<unknown>, signal: AbortSignal) => AsyncGenerator<Uint8Array>,
): Duplex {
  const { Duplex: DuplexClass, PassThrough } = process.getBuiltinModule('node:stream');
  const options = { objectMode: true, highWaterMark: 1 };
  const abort = new AbortController();
  const input = new PassThrough(options);
  const output = run(input, abort.signal);
  return new DuplexClass({
    ...options,
    write(chunk: unknown, encoding, callback) {
      // An error comes from `output`, which says what was wrong.
      input.write(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk, () => callback());
    },
    final(callback) {
      input.end(() => callback());
    },
    read() {
      output.next().then(
        ({ done, value }) => this.push(done === true ? null : value),
        (error: unknown) => this.destroy(error as Error),
      );
    },
    destroy(error, callback) {
      abort.abort();
      input.destroy();
      output.return(undefined).catch(() => undefined);
      callback(error);
    },
  });
}
