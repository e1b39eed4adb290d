import { ciphertextBytes } from '../../../src/providers/shared/ciphertext.js';
import { headerHint } from '../../../src/providers/shared/ciphertext-header.js';
import { jweText } from '../../../src/providers/local/jwe.js';
import { checkTransitCiphertext } from '../../../src/providers/vault/transit-key.js';
import { check, checkError, checkLastMatch, clearLastMatch, KEY_WORDS, readText } from '../lib/key.js';
import type { Target } from '../lib/target.js';

/** What may be given as `ciphertext`, the key itself pasted by mistake included: taken whole, or refused without showing it. */
export const target: Target = {
  words: [...KEY_WORDS, 'vault:v1:', 'eyJ', '....', '==', '{"CiphertextBlob":"', '\u00a0', '\ufeff'],
  maxLength: 16_384,
  run(input) {
    const text = readText(input);
    for (const given of [text, Buffer.from(text, 'latin1'), Uint8Array.from(input)]) {
      const kms = take(() => ciphertextBytes(given, 'aws-kms'));
      if (kms !== undefined) {
        check(kms.length >= 60 && kms.length <= 6_144, `A ciphertext of ${String(kms.length)} bytes was taken.`);
        const isSame = typeof given !== 'string' || Buffer.from(kms).toString('base64') === given.trim();
        check(isSame, 'Another ciphertext was taken than was given.');
        headerHint(kms);
      }
      const trimmed = typeof given === 'string' ? given.trim() : Buffer.from(given).toString('latin1').trim();
      const local = take(() => jweText(given, 'local'));
      check(local === undefined || (local === trimmed && local.length <= 6_144), 'A text was taken for a JWE.');
      const transit = take(() => checkTransitCiphertext(given));
      check(transit === undefined || transit === trimmed, 'Another ciphertext was taken than was given.');
      check(
        transit === undefined || /^vault:v[^:]+:[A-Za-z0-9+/]{39,}=*$/.test(transit),
        'A text was taken for one of Vault.',
      );
    }
  },
};

function take<T>(work: () => T): T | undefined {
  clearLastMatch();
  try {
    return work();
  } catch (error) {
    checkLastMatch();
    checkError(error);
    return undefined;
  }
}
