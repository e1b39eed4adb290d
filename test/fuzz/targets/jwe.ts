import { jweText, open, seal } from '../../../src/providers/local/jwe.js';
import { check, checkError, checkLastMatch, clearLastMatch, KEY } from '../lib/key.js';
import { SEALED_JWE } from '../lib/sealed.js';
import type { Target } from '../lib/target.js';

const MASTER_KEY = Buffer.alloc(32, 7);
const CONTEXT = { service: 'gold-data-stream', environment: 'test' };

/** JWE of a master key: only the one that was sealed opens, letter for letter. */
export const target: Target = {
  words: ['.', '..', '"alg":"dir"', '"enc":"A256GCM"', '"kid":"local-', '"ctx":"'],
  seeds: [Buffer.from(SEALED_JWE)],
  maxLength: 8_192,
  run(input) {
    const text = input.toString('latin1');
    openOnly(text, text.trim() === SEALED_JWE);
    // The header is authenticated, but what is read of it before that decides which error is thrown.
    const sealedNow = seal(MASTER_KEY, Buffer.from(KEY), CONTEXT);
    const [, ...rest] = sealedNow.split('.');
    const changed = [Buffer.from(input).toString('base64url'), ...rest].join('.');
    openOnly(changed, changed === sealedNow);
    openOnly(sealedNow, true);
  },
};

function openOnly(text: string, isSealed: boolean): void {
  let opened: string;
  clearLastMatch();
  try {
    opened = Buffer.from(open(MASTER_KEY, jweText(text, 'local'), CONTEXT)).toString();
  } catch (error) {
    checkLastMatch();
    checkError(error);
    check(!isSealed, 'A JWE that was sealed does not open.');
    return;
  }
  check(isSealed, 'A JWE opens that was not sealed so.');
  check(opened === KEY, 'A JWE opens as another text than was sealed.');
}
