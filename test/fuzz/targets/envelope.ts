import type { EncryptionContext, KeyCipher } from '../../../src/core/index.js';
import { envelope } from '../../../src/envelope/index.js';
import { deriveKeyId, jweText, open, seal } from '../../../src/providers/local/jwe.js';
import { createCipher } from '../../../src/providers/shared/create-cipher.js';
import { check, checkError, KEY } from '../lib/key.js';
import { SIGNED_MESSAGE, UNSIGNED_MESSAGE } from '../lib/sealed.js';
import type { Target } from '../lib/target.js';

const MASTER_KEY = Buffer.alloc(32, 9);
const CONTEXT: EncryptionContext = { service: 'gold-data-stream' };
/** A payload with the key in it, longer than a frame. */
const PAYLOAD = JSON.stringify({ metalsApi: KEY, note: 'n'.repeat(20) });
const MAX_PLAINTEXT = 4_096;

const keyId = deriveKeyId(MASTER_KEY);
const cipher: KeyCipher = createCipher(CONTEXT, {
  name: 'local',
  acceptsKeyId: (id) => id === keyId,
  encrypt: (plaintext, { context }) => ({ ciphertext: seal(MASTER_KEY, plaintext, context), keyId }),
  decrypt: (ciphertext, { context }) => open(MASTER_KEY, jweText(ciphertext, 'local'), context),
});
const sealed = envelope({ cipher, signed: false, frameLength: 16, maxPlaintext: MAX_PLAINTEXT });
/** The payload, sealed under the master key and the context above in frames of 16 bytes. */
const messages = [SIGNED_MESSAGE, UNSIGNED_MESSAGE].map((text) => Buffer.from(text, 'base64'));

/** Messages of envelopes: only those that were sealed open, byte for byte, whole or as a stream. */
export const target: Target = {
  words: [
    'aws-crypto-public-key',
    'local',
    keyId,
    'service',
    'gold-data-stream',
    '\u0000\u0002',
    '\u00ff\u00ff\u00ff\u00ff',
  ],
  seeds: messages,
  async run(input) {
    const isSealed = messages.some((message) => message.equals(input));
    const outcome = await sealed.decrypt(input).then(
      (plaintext) => Buffer.from(plaintext).toString(),
      (error: unknown) => {
        checkError(error);
        return undefined;
      },
    );
    check(
      outcome === (isSealed ? PAYLOAD : undefined),
      isSealed ? 'A message does not open.' : 'A message opens that was changed.',
    );
    await checkStream(input, isSealed);
  },
};

/** A stream of unsigned messages gives frames as they come: what it gives is of the payload, to the last byte. */
async function checkStream(input: Buffer, isSealed: boolean): Promise<void> {
  const stream = sealed.decryptStream();
  const half = input.length >> 1;
  stream.write(input.subarray(0, half));
  stream.end(input.subarray(half));
  let given = '';
  let failed = false;
  try {
    for await (const piece of stream) given += Buffer.from(piece as Uint8Array).toString();
  } catch (error) {
    failed = true;
    checkError(error);
  }
  check(PAYLOAD.startsWith(given), 'A stream gave another plaintext than was sealed.');
  check(
    failed !== isSealed,
    isSealed ? 'A stream of a message fails.' : 'A stream of a changed message ends without an error.',
  );
}
