import { inspect } from 'node:util';
import { assertNoSecret } from 'goldkey/testing';

/** Of each kind of value this many are searched in every corner; of all, what can be printed. */
const SEARCHED = 3;

/** Looks for a secret. One that every key begins with stands for all of them, in every encoding. */
export class SecretWatch {
  #secret;
  #forms;
  #searched = {};

  constructor(secret) {
    this.#secret = secret;
    const encoded = ['base64', 'hex'].map((encoding) => Buffer.from(secret).toString(encoding));
    this.#forms = [secret, encodeURIComponent(secret), ...encoded];
  }

  /** Whether the secret can be read in `value`, which is of this kind. */
  isIn(value, kind) {
    const searched = (this.#searched[kind] = (this.#searched[kind] ?? 0) + 1);
    if (searched <= SEARCHED) {
      try {
        assertNoSecret(value, this.#secret);
      } catch {
        return true;
      }
    }
    const text = inspect(value, { depth: 12, breakLength: Infinity });
    return this.#forms.some((form) => text.includes(form));
  }
}
