import { describe, expect, it } from 'vitest';
import { isQuotable, quote, readErrorName, showText } from '../../../src/core/util/quote.js';

/** Texts that could be keys, in the forms that vendors give them. */
const SECRETS = [
  'sk_live_4eC39HqLyjWDarjtT1zdp7dc',
  'sk_short',
  'sk-proj-abcdef',
  'AKIAIOSFODNN',
  'ASIAIOSFODNN',
  'hvs.CAESIJlW',
  'eyJhbGciOiJIUzI',
  'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  'goldapi-1a2b3ctkw9x8y7z-io',
  '550e8400-e29b-41d4-a716-446655440000',
  'deadbeefdeadbeef',
  '0123456789abcdef0123456789abcdef',
  '12345678',
  '4711471147',
  'A1B2-C3D4-E5F6-G7H8',
  'Tr0ub4dor&3',
  'c2VjcmV0LWtleS1mb3ItZ29sZA==',
  'abcdefghijklmnopqrst',
  'XkWqZpLmTrVbNcSd',
  'metals-live-0123456789abcdef',
  'wordwordw0rd',
  'a name\nwith a line break',
  'arn:aws:kms:eu-west-1:111122223333:key/1\nINFO all is well',
  'a name\u0085with a line break',
  'a name\u2028with a line break',
  `long-${'word-'.repeat(20)}`,
];

const NAMES = [
  'tll',
  'timeOut',
  'refreshAhed',
  'encryptionContxt',
  'dangerouslyAlowHttp',
  'isKeyRejcted',
  'x-api-key',
  'GOLD_API_KEY_CIPHERTEXT',
  'alias/gold-api-keys',
  'goldkey:ring',
  'team/gold-v2/eu-west-1',
  'secret/data/gold2',
  'master.key',
  'v10',
  'XAU',
  'größe',
  'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  '',
];

describe('a text in a message', () => {
  it.each(SECRETS)('%j is not quoted', (secret) => {
    expect(isQuotable(secret)).toBe(false);
    expect(quote(secret)).toBe(`[${String(secret.length)} characters, not shown]`);
    expect(quote(secret, 'bind.')).toBe(`\`bind.…\` [${String(secret.length)} characters, not shown]`);
    expect(showText(secret)).toBe(`[${String(secret.length)} characters, not shown]`);
  });

  it.each(NAMES)('%j is quoted', (name) => {
    expect(quote(name)).toBe(`\`${name}\``);
    expect(quote(name, 'bind.')).toBe(`\`bind.${name}\``);
    expect(showText(name)).toBe(name);
  });

  it.each([...'-_./\\:@# '])('may separate words by %j', (separator) => {
    expect(isQuotable(`gold${separator}key${separator}two`)).toBe(true);
  });

  it.each(['sk_', 'sk-', 'pk_', 'rk_', 'AKIA', 'ASIA', 'ghp_', 'hvs.', 'eyJ'])(
    'is not quoted after %s, whatever words follow',
    (prefix) => {
      expect(isQuotable(prefix)).toBe(false);
      expect(isQuotable(`${prefix}gold`)).toBe(false);
    },
  );

  // Where one rule ends: the text that is still quoted, and the next that is not.
  it.each<[string, string, string]>([
    ['64 characters', `${'word-'.repeat(12)}word`, `${'word-'.repeat(12)}words`],
    ['words of 15 letters', 'abecedabecedabe', 'abecedabecedabec'],
    ['three digits', 'v1-v2-v3', 'v1-v2-v3-4'],
    ['three digits a step of a path', 'v123/v456', 'v123.v456'],
    ['seven characters with two digits at the end', 'goldk12', 'goldke12'],
    ['one digit at the end of eight', 'goldkey1', 'goldke11'],
    ['digits at the end of a word', 'gold2', '2gold'],
    ['letters alone in a word', 'gold', 'go{ld'],
    ['letters alone before the digits', 'gold', 'go`ld'],
    ['capitals alone before the digits', 'GOLD', 'GO[LD'],
    ['digits alone behind a word', 'a-gold', 'gold2a'],
    ['a vowel in six letters', 'bcdfga', 'bcdfgha'],
    ['no vowel in five letters', 'bcdfg', 'bcdfgh'],
    ['five letters in two words', 'abCde', 'abCd'],
    ['seven letters in two words', 'abcDefg', 'abCdEfg'],
    ['eleven letters in three words', 'abcdDefgHij', 'abcDefgHij'],
    ['two words in eight letters', 'abcdEfgh', 'abcDefGh'],
    ['one word of two letters', 'abecedefIj', 'abecedefIjKl'],
    ['two words of three letters', 'abecedefIjkLmn', 'abecedefIjLm'],
  ])('may have %s, and no more', (_, quoted, hidden) => {
    expect([isQuotable(quoted), isQuotable(hidden)]).toEqual([true, false]);
  });

  it.each(['HTTPServer', 'HTTPAuthorization', 'keyID', 'goldID2', 'goldIDS', 'AZAZ', 'gold-sk_', '123', 'a-b'])(
    '%s is made of words: a run of capitals is one, up to the one that begins the next',
    (name) => {
      expect(isQuotable(name)).toBe(true);
    },
  );

  it.each([...'aeiouyAEIOUYé'])('has a vowel in %s', (vowel) => {
    const rest = vowel === vowel.toUpperCase() ? 'BCDFG' : 'bcdfg';
    expect(isQuotable(`${rest}${vowel}`)).toBe(true);
  });

  it('has control characters and ends of lines nowhere, also in an ARN', () => {
    const allowed = [' ', '~', '\u00a0', '\u2027', '\u202a'];
    const refused = ['\0', '\n', '\u001f', '\u007f', '\u0080', '\u009f', '\u2028', '\u2029'];
    expect(allowed.filter((char) => !isQuotable(`arn:aws:kms${char}`))).toEqual([]);
    expect(refused.filter((char) => isQuotable(`arn:aws:kms${char}`))).toEqual([]);
  });

  it.each<[string, string, number]>([
    ['base64', 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', 20],
    ['base64url', 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', 20],
    ['lower-case letters and digits', 'abcdefghijklmnopqrstuvwxyz0123456789', 20],
    ['hex', '0123456789abcdef', 16],
    ['digits', '0123456789', 8],
  ])('random %s is quoted less than once in 200', (_, alphabet, length) => {
    // A generator with a fixed seed, so that the test is the same each time.
    let state = 4_711;
    const next = (): string => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return alphabet[(state >>> 16) % alphabet.length] ?? '';
    };
    const keys = Array.from({ length: 4_000 }, () => Array.from({ length }, next).join(''));

    expect(keys.filter((key) => isQuotable(key)).length).toBeLessThan(20);
  });

  it('is scanned without a regular expression, which would keep it', () => {
    expect(/x/.test('x')).toBe(true);
    quote('sk_live_4eC39HqLyjWDarjtT1zdp7dc');
    expect(RegExp.input).toBe('x');
  });
});

describe('the name of an error', () => {
  const named = (name: unknown): Error => Object.defineProperty(new Error('no'), 'name', { value: name });
  const trap = (): never => {
    throw new Error('trap');
  };

  it.each<[string, unknown, string | undefined]>([
    ['its own', new TypeError('no'), 'TypeError'],
    ['not told where it could be a key', named('sk_live_4f9aQ2zP7x'), 'Error'],
    ['not told where it is no text', named(7), 'Error'],
    ['not told where it cannot be read', Object.defineProperty(new Error('no'), 'name', { get: trap }), 'Error'],
    ['none of what is no error', { name: 'TypeError' }, undefined],
    ['none of nothing', undefined, undefined],
    ['none of what lets nobody look', new Proxy({}, { getPrototypeOf: trap }), undefined],
  ])('is %s', (_, error, expected) => {
    expect(readErrorName(error)).toBe(expected);
  });
});
