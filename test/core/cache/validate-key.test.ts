import { describe, expect, it } from 'vitest';
import { checkAnswer, copyKey, encodeKey, toKeyError, zeroAnswer } from '../../../src/core/cache/validate-key.js';
import { KeyFormatError, KeyProviderError } from '../../../src/index.js';

const about = { provider: 'file', version: '1' };
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const copy = (key: string): string => text(copyKey(Buffer.from(key, 'latin1'), about).bytes);

function failureOf(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error;
  }
}

describe('the copy of a key', () => {
  it('has memory of its own, of just its length', () => {
    const given = new TextEncoder().encode('..a-good-key-1\r\n..').subarray(2, -2);
    const { bytes, trimmed } = copyKey(given, about);
    expect(text(bytes)).toBe('a-good-key-1');
    expect(trimmed).toBe(true);
    expect(bytes.buffer.byteLength).toBe(12);
    given.fill(0);
    expect(text(bytes)).toBe('a-good-key-1');
  });

  it.each(['12345678', '12345678\n', '12345678\r\n'])('of %j is its eight characters', (key) => {
    const { bytes, trimmed } = copyKey(Buffer.from(key), about);
    expect(text(bytes)).toBe('12345678');
    expect(trimmed).toBe(key.length > 8);
  });

  it('takes every printable character but the space', () => {
    const all = String.fromCharCode(...Array.from({ length: 0x5e }, (_none, index) => 0x21 + index));
    expect([all.at(0), all.at(-1), copy(all)]).toEqual(['!', '~', all]);
  });
});

describe('a key that is none', () => {
  const unprintable = (what: string, hex: string, position: number): string =>
    `The key has ${what} (0x${hex}) at position ${position}; only printable ASCII without spaces was expected.`;

  it.each<[string, string]>([
    ['', 'The key is empty; at least 8 were expected.'],
    ['\n', 'The key is empty; at least 8 were expected.'],
    ['\r\n', 'The key is empty; at least 8 were expected.'],
    ['\r', 'The key is only 1 characters long; at least 8 were expected.'],
    ['1234567\r\n', 'The key is only 7 characters long; at least 8 were expected.'],
    ['12345678\r', unprintable('white space', '0d', 8)],
    ['12345678\n\r\n', unprintable('white space', '0a', 8)],
    ['\n12345678', unprintable('white space', '0a', 0)],
    ['1234 678', unprintable('white space', '20', 4)],
    ['1234\t678', unprintable('white space', '09', 4)],
    ['1234\b678', unprintable('a control character', '08', 4)],
    ['1234\u000e678', unprintable('a control character', '0e', 4)],
    ['1234\u001f678', unprintable('a control character', '1f', 4)],
    ['1234\u0000678', unprintable('a control character', '00', 4)],
    ['1234567\u007f', unprintable('a control character', '7f', 7)],
    ['1234567\u0080', unprintable('a non-ASCII byte', '80', 7)],
    ['1234567\u00ff', unprintable('a non-ASCII byte', 'ff', 7)],
  ])('%j says what is wrong, and where', (key, message) => {
    const error = failureOf(() => copy(key));
    expect(error).toBeInstanceOf(KeyFormatError);
    expect(error).toMatchObject({ ...about, message });
  });
});

describe('the answer of a store', () => {
  const bytes = new Uint8Array(8);

  it.each<[string, object]>([
    ['a key', { bytes, version: '1' }],
    ['a key with its times', { bytes, version: '1', expiresAt: 0, until: 1_000 }],
    ['word that nothing changed', { unchanged: true, version: '1' }],
  ])('may be %s, and is passed on as it is', (_name, answer) => {
    expect(checkAnswer(answer, about)).toBe(answer);
  });

  it('may be nothing at all', () => {
    expect(checkAnswer(undefined, about)).toBeUndefined();
  });

  it.each<[string, unknown, string]>([
    ['null', null, 'without a `version`; expected { bytes, version }'],
    ['a text', 'a-good-key-1', 'without a `version`; expected { bytes, version }'],
    ['no version', { bytes }, 'without a `version`; expected { bytes, version }'],
    ['an empty version', { bytes, version: '' }, 'without a `version`; expected { bytes, version }'],
    ['a number for a version', { bytes, version: 1 }, 'without a `version`; expected { bytes, version }'],
    ['no bytes', { version: '1' }, 'without `bytes`; expected a Uint8Array'],
    [
      'no bytes, and not that nothing changed',
      { version: '1', unchanged: 'yes' },
      'without `bytes`; expected a Uint8Array',
    ],
    ['an ArrayBuffer', { version: '1', bytes: bytes.buffer }, 'without `bytes`; expected a Uint8Array'],
    [
      'an expiry for ever',
      { bytes, version: '1', expiresAt: Infinity },
      '`expiresAt` that is not a time in epoch milliseconds',
    ],
    [
      'an expiry in words',
      { bytes, version: '1', expiresAt: '2026-01-01' },
      '`expiresAt` that is not a time in epoch milliseconds',
    ],
    ['an end that is null', { bytes, version: '1', until: null }, '`until` that is not a time in epoch milliseconds'],
    [
      'an end with no change',
      { version: '1', unchanged: true, until: Number.NaN },
      '`until` that is not a time in epoch milliseconds',
    ],
  ])('with %s is refused', (_name, answer, said) => {
    const error = failureOf(() => checkAnswer(answer, about));
    expect(error).toBeInstanceOf(KeyProviderError);
    expect(error).toMatchObject({ ...about, message: expect.stringContaining(said) });
  });
});

describe('a version', () => {
  it.each<[string, string, string]>([
    ['holds the key', 'a-good-key-1', 'version a-good-key-1'],
    ['is a key of eight characters', '12345678', '12345678'],
    ['is the key without its newline', 'a-good-key-1\r\n', 'a-good-key-1'],
    ['is the key without its space', 'a-good-key-1 ', 'a-good-key-1'],
  ])('that %s is refused, and the error does not name it', (_what, key, version) => {
    const answer = { bytes: Buffer.from(key), version };
    const error = failureOf(() => checkAnswer(answer, { provider: 'file', version }));

    expect(error).toBeInstanceOf(KeyFormatError);
    expect(error).toMatchObject({
      provider: 'file',
      message:
        'The key store gave a `version` that holds the key, and versions are shown; name it by a number, a date or a digest.',
    });
    expect(error).not.toHaveProperty('version');
  });

  it.each<[string, string, string]>([
    ['of seven characters, which is none', '1234567', '1234567'],
    ['of white space, which is none', '        ', '        '],
    ['that is longer than the version', 'a-good-key-1', 'a-good-key'],
  ])('is passed on beside a key %s', (_what, key, version) => {
    const answer = { bytes: Buffer.from(key), version };
    expect(checkAnswer(answer, about)).toBe(answer);
  });
});

describe('a key that is to be stored', () => {
  it.each<[string, string | Uint8Array]>([
    ['a text', 'a-good-key-1\n'],
    ['bytes', Buffer.from('a-good-key-1\n')],
  ])('may be %s, of which its bytes are copied', (_name, key) => {
    const bytes = encodeKey(key);
    expect(text(bytes)).toBe('a-good-key-1');
    expect(bytes).not.toBe(key);
  });

  it('is nothing else, and what was given is not shown', () => {
    const error = failureOf(() => encodeKey(123_456_789_012));
    expect(error).toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
      message: '`key` must be a string or a Uint8Array, got a number of 12 digits.',
    });
    expect(failureOf(() => encodeKey('short', about))).toMatchObject({ ...about, code: 'ERR_GOLDKEY_FORMAT' });
  });
});

describe('an answer that is given up', () => {
  it('has its bytes zeroed, if it has any', () => {
    const bytes = Buffer.from('a-good-key-1');
    zeroAnswer({ bytes, version: '1' });
    expect([...bytes].every((byte) => byte === 0)).toBe(true);
    for (const none of [undefined, null, {}, 'text', { bytes: 'text' }]) expect(zeroAnswer(none)).toBeUndefined();
  });
});

describe('an error of a store', () => {
  it('of goldkey is passed on as it is', () => {
    const error = new KeyFormatError('no key', about);
    expect(toKeyError(error, 'vault')).toBe(error);
  });

  const unreadable = Object.defineProperty(new Error('down'), 'name', {
    get: () => {
      throw new Error('not for you');
    },
  });

  it.each<[string, unknown]>([
    ['TypeError', new TypeError('down')],
    ['a value of type string', 'a-good-key-1'],
    ['undefined', undefined],
    ['Error', unreadable],
  ])('of any other kind may pass, and is told as %s', (told, cause) => {
    const error = toKeyError(cause, 'vault');
    expect(error).toBeInstanceOf(KeyProviderError);
    expect(error).toMatchObject({
      retryable: true,
      provider: 'vault',
      message: `The key store \`vault\` failed (${told}); its error is the \`cause\`.`,
    });
    expect(error.cause).toBe(cause);
  });
});
