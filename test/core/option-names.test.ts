import { afterEach, describe, expect, it, vi } from 'vitest';
import { checkOptionNames, checkOptions } from '../../src/core/options.js';
import { memoryKeyProvider } from '../../src/testing/index.js';

afterEach(() => {
  vi.unstubAllGlobals();
});

/** What is said of an option that does not exist, where these do. */
function explain(name: string, ...names: string[]): string {
  try {
    checkOptionNames('make', { [name]: 'x' }, names);
    return 'no error';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('an option that would be a key in plaintext', () => {
  const KEY_NAMES = ['apiKey', 'APIKEY', 'api_key', 'key', 'secretKey', 'accessKey', 'plaintext'];

  it.each(KEY_NAMES)('`%s` has another way in', (name) => {
    expect(explain(name, 'keyProvider')).toBe(
      'make takes no key in plaintext; give it a key store as `keyProvider`, e.g. `fromKms`.',
    );
    expect(explain(name, 'ciphertext')).toBe(
      'make takes no key in plaintext; encrypt it with `goldkey encrypt` and give the result as `ciphertext`.',
    );
    expect(explain(name, 'size')).toBe(`make has no option \`${name}\`; it has \`size\`.`);
  });

  it('is no other name, and none that there is', () => {
    expect(explain('color', 'keyProvider', 'ciphertext')).toMatch(/^make has no option `color`; /);
    expect(explain('key', 'keyProvider', 'key')).toBe('no error');
  });
});

describe('an option of the AWS SDK', () => {
  it.each(['endpoint', 'credentials', 'profile', 'maxAttempts', 'retryMode', 'requestHandler', 'logger'])(
    '`%s` belongs into `clientConfig`, where there is one',
    (name) => {
      expect(explain(name, 'clientConfig')).toBe(`make has no option \`${name}\`; give it in \`clientConfig\`.`);
      expect(explain(name, 'size')).toBe(`make has no option \`${name}\`; it has \`size\`.`);
    },
  );

  it('is no other name', () => {
    expect(explain('clientConfik', 'clientConfig')).toBe(
      'make has no option `clientConfik`; did you mean `clientConfig`?',
    );
  });
});

describe('the option that was probably meant', () => {
  it.each<[string, string, string, string[]]>([
    ['in other letters of case', 'TTL', 'ttl', ['total', 'ttl', 'ttlx']],
    ['of which it is a part', 'time', 'timeout', ['game', 'timeout', 'mine']],
    ['that is a part of it', 'timeoutMs', 'timeout', ['timeaut', 'timeout']],
    ['with one letter too few', 'tmeout', 'timeout', ['tmeouxxt', 'timeout']],
    ['with one letter too many', 'timmeout', 'timeout', ['tixxeout', 'timeout']],
    ['with one letter instead of another', 'tiweout', 'timeout', ['tixxout', 'timeout']],
    ['with a letter too few at its begin', 'imeouts', 'timeout', ['imebbtq', 'timeout']],
    ['with half of the letters another', 'abcd', 'abxy', ['wxyz', 'abxy']],
    ['of two that are as near, the first', 'abcd', 'abcx', ['abcx', 'abcy']],
    ['of two, the nearer, though it comes later', 'abcd', 'abcx', ['abxy', 'abcx']],
  ])('is the one %s', (_what, given, meant, names) => {
    expect(explain(given, ...names)).toBe(`make has no option \`${given}\`; did you mean \`${meant}\`?`);
  });

  it('is none where more than half of the letters differ: then all are listed', () => {
    expect(explain('abc', 'axy', 'xyc')).toBe('make has no option `abc`; it has `axy`, `xyc`.');
  });
});

describe('options', () => {
  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['an array', []],
    ['a value of type string', 'text'],
  ])('that are %s are refused', (words, options) => {
    expect(() => checkOptionNames('make', options, [])).toThrow(`make expects an options object, got ${words}.`);
  });
});

describe('a runtime', () => {
  const check = (): string => {
    try {
      checkOptions('KeyedClient', { keyProvider: memoryKeyProvider({}) });
      return 'no error';
    } catch (error) {
      return String(error);
    } finally {
      vi.unstubAllGlobals();
    }
  };
  const { getBuiltinModule } = process;

  it.each<[string, object | undefined]>([
    ['without `process`', undefined],
    ['without modules in `process`', {}],
    ['whose modules are no function', { getBuiltinModule: 'none' }],
    ['without the module that is needed', { getBuiltinModule: () => undefined }],
    ['without that one module', { getBuiltinModule: (id: string) => (id === 'node:fs' ? {} : undefined) }],
  ])('%s is refused', (_what, stub) => {
    vi.stubGlobal('process', stub);
    expect(check()).toBe(
      'TypeError: goldkey needs the API of Node.js: it runs on Node.js (20.16 and later), Bun, Deno, and workerd with `nodejs_compat`, not in browsers or other edge runtimes.',
    );
  });

  it('with it is taken', () => {
    vi.stubGlobal('process', { getBuiltinModule });
    expect(check()).toBe('no error');
  });
});
