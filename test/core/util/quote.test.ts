import { describe, expect, it } from 'vitest';
import { isQuotable, quote, showText } from '../../../src/core/util/quote.js';

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
