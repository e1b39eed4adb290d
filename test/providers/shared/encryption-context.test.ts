import { createContext, runInContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { EncryptionContext } from '../../../src/core/index.js';
import { fromKmsLight } from '../../../src/providers/kms-light/index.js';
import { fromKms, kmsCipher } from '../../../src/providers/kms/index.js';
import { fromLocal, localCipher } from '../../../src/providers/local/index.js';
import { fromVaultTransit, transitCipher } from '../../../src/providers/vault/index.js';
import { failure } from '../loading.js';

const SECRET = 'sk_live_4eC39HqLyjWDarjtT1zdp7dc';

class Config {
  readonly service = SECRET;
}

/** What is no plain object of own strings, and how a message names it. */
const WRONG: readonly (readonly [what: string, value: unknown, says: RegExp])[] = [
  ['a promise that was not awaited', Promise.resolve({ service: SECRET }), /got a promise that was not awaited/],
  ['a Map', new Map([['service', SECRET]]), /got an instance of Map/],
  ['an array', [['service', SECRET]], /got an array/],
  ['a string', SECRET, /got a value of type string/],
  ['URLSearchParams', new URLSearchParams({ service: SECRET }), /got an instance of URLSearchParams/],
  ['Headers', new Headers({ service: SECRET }), /got an instance of Headers/],
  ['an instance of a class', new Config(), /got an instance of Config/],
  ['inherited pairs', Object.create({ service: SECRET }), /got an object that inherits/],
  ['inherited pairs without a class', Object.create(Object.create(null) as object), /got an instance of a class/],
  ['a Date', new Date(0), /got an instance of Date/],
  ['a function', () => ({ service: SECRET }), /got a value of type function/],
  ['null', null, /got null/],
  ['a number', 4_711_471_147, /got a number of 10 digits/],
  [
    'a getter',
    {
      get service() {
        return SECRET;
      },
    },
    /service` must be a string, got a getter/,
  ],
  ['a symbol as key', { service: 'a', [Symbol(SECRET)]: 'b' }, /must have strings as keys, got a symbol/],
  [
    'a property that is not enumerable',
    Object.defineProperty({}, 'service', { value: 'a' }),
    /service` must be a string, got a hidden property/,
  ],
  ['a number as value', { service: 123_456_789 }, /service` must be a string, got a number of 9 digits/],
  ['a promise as value', { service: Promise.resolve(SECRET) }, /service` must be a string, got a promise/],
  ['undefined as value', { service: undefined }, /service` must be a string, got undefined/],
  ['a secret as key', { [SECRET]: 1 }, /\[32 characters, not shown\] must be a string, got 1/],
];

const given = (context: unknown) => ({ encryptionContext: context as EncryptionContext });
const masterKeyFile = './none/master.key';
const constructors: Readonly<Record<string, (context: unknown) => unknown>> = {
  fromKms: (context) => fromKms({ ciphertext: undefined, ...given(context) }),
  fromKmsLight: (context) => fromKmsLight({ ciphertext: undefined, ...given(context) }),
  fromLocal: (context) => fromLocal({ masterKeyFile, ciphertext: undefined, ...given(context) }),
  fromVaultTransit: (context) => fromVaultTransit({ keyName: 'gold', ciphertext: undefined, ...given(context) }),
  kmsCipher: (context) => kmsCipher({ keyId: 'alias/gold', ...given(context) }),
  localCipher: (context) => localCipher({ masterKeyFile, ...given(context) }),
  transitCipher: (context) => transitCipher({ keyName: 'gold', ...given(context) }),
};

describe.each(Object.entries(constructors))('the EncryptionContext of %s', (_, create) => {
  it.each(WRONG)('is not %s', (_what, value, says) => {
    let error: unknown;
    try {
      create(value);
    } catch (thrown) {
      error = thrown;
    }

    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringMatching(says) });
    expect((error as Error).message).toMatch(/^`encryptionContext/);
    expect((error as Error).message).not.toContain(SECRET);
  });

  it.each<[string, unknown]>([
    ['an object literal', { service: 'a' }],
    ['an empty object', {}],
    ['an object without prototype', Object.assign(Object.create(null) as object, { service: 'a' })],
    ['a frozen object', Object.freeze({ service: 'a' })],
    ['an object of another realm', runInContext('({ service: "a" })', createContext())],
    ['an object with a key of its own named as an inherited one', { constructor: 'a', toString: 'b' }],
  ])('may be %s', (_what, value) => {
    expect(() => create(value)).not.toThrow();
  });
});

describe('the pairs of `bind`', () => {
  const cipher = localCipher({ masterKeyFile, encryptionContext: {} });

  it.each(WRONG)('are not %s', async (_what, value, says) => {
    const options = { bind: value as EncryptionContext, signal: AbortSignal.abort() };
    for (const work of [cipher.encrypt('an-invented-key', options), cipher.decrypt('', options)]) {
      const error = (await failure(work)) as Error;

      // Before anything else: neither the signal nor the missing file is looked at.
      expect(error).toBeInstanceOf(TypeError);
      expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringMatching(says) });
      expect(error.message).toMatch(/^`bind/);
      expect(error.message).not.toContain(SECRET);
    }
  });
});
