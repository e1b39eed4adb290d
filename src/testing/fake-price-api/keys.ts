import { invalidType, describeType, nodeCrypto } from '../../core/index.js';

/** How the key of a call stands with the fake price API. */
export type KeyStanding = 'live' | 'revoked' | 'unknown' | 'none';

/** Which keys are good. It holds digests, so that no test finds a key here that it looks for elsewhere. */
export class KeyRegister {
  readonly #standings = new Map<string, 'live' | 'revoked'>();

  constructor(keys: readonly string[] = []) {
    if (!Array.isArray(keys)) throw invalidType(`\`keys\` must be an array of strings, got ${describeType(keys)}.`);
    for (const key of keys) this.accept(key);
  }

  accept(key: string): void {
    this.#standings.set(digestOf(key), 'live');
  }

  revoke(key: string): void {
    this.#standings.set(digestOf(key), 'revoked');
  }

  standing(key: string | undefined): KeyStanding {
    if (key === undefined || key === '') return 'none';
    return this.#standings.get(digestOf(key)) ?? 'unknown';
  }
}

function digestOf(key: unknown): string {
  if (typeof key === 'string' && key !== '') return nodeCrypto().createHash('sha256').update(key).digest('base64');
  throw invalidType(`A key must be a non-empty string, got ${key === '' ? "''" : describeType(key)}.`);
}
