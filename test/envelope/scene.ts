import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { onTestFinished } from 'vitest';
import type { EncryptionContext, GoldKeyError, KeyCipher } from '../../src/index.js';
import type { Envelope } from '../../src/envelope/index.js';
import { localCipher } from '../../src/providers/local/index.js';
import { temporaryFolder } from '../cli/run.js';

export const CONTEXT: EncryptionContext = { service: 'gold-data-stream' };

/** Creates a cipher under a master key of its own, which goes when the test does. */
export async function newCipher(encryptionContext = CONTEXT): Promise<KeyCipher> {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const masterKeyFile = `${folder.path}/master.key`;
  writeFileSync(masterKeyFile, randomBytes(32).toString('base64'), { mode: 0o600 });
  return localCipher({ masterKeyFile, encryptionContext });
}

/** A cipher that takes note of every array that it decrypts to, and of every data key that it is given. */
export function watchCipher(
  cipher: KeyCipher,
): KeyCipher & { readonly given: Uint8Array[]; readonly copies: Buffer[] } {
  const given: Uint8Array[] = [];
  const copies: Buffer[] = [];
  const note = (dataKey: Uint8Array): Uint8Array => {
    given.push(dataKey);
    copies.push(Buffer.from(dataKey));
    return dataKey;
  };
  return {
    ...cipher,
    given,
    copies,
    encrypt: (key, options) => cipher.encrypt(note(key as Uint8Array), options),
    decrypt: async (ciphertext, options) => note(await cipher.decrypt(ciphertext, options)),
  };
}

export const isZero = (bytes: Uint8Array): boolean => bytes.length > 0 && bytes.every((byte) => byte === 0);

/** Resolves to the error of a call that must fail. */
export async function failureOf(work: Promise<unknown>): Promise<GoldKeyError> {
  const [outcome] = await Promise.allSettled([work]);
  if (outcome.status === 'rejected') return outcome.reason as GoldKeyError;
  throw new Error('The call should have failed.');
}

/** Sends pieces through a stream of an envelope. Resolves to all that came out. `each` sees it as it comes. */
export async function through(
  stream: ReturnType<Envelope['decryptStream']>,
  pieces: Iterable<unknown> | AsyncIterable<unknown>,
  each: (piece: Uint8Array) => void = () => undefined,
): Promise<Buffer> {
  const out: Uint8Array[] = [];
  await pipeline(Readable.from(pieces), stream, async (source: AsyncIterable<string | Uint8Array>) => {
    for await (const piece of source) {
      out.push(piece as Uint8Array);
      each(piece as Uint8Array);
    }
  });
  return Buffer.concat(out);
}

/** Cuts bytes into pieces of `size`. */
export function* cut(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
