import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { GoldDataClient } from '../../../src/core/index.js';
import { REDACTED, redactValue } from './helpers.js';

/** As price APIs hand keys out, with what every alphabet and escape makes something of. */
const KEYS = ['sk_live_0123456789abcdefXYZ', 'goldapi-7Qx+/=w%zz~12&8e4-io', '0f1d4a9bC7e2X8k3M5n6'] as const;
const LONG = `sk_live_${'Zm9vYmFyIGJheiBxdXV4'.repeat(8)}`;

const bytesOf = (key: string): Buffer => Buffer.from(key, 'latin1');
const hexOf = (key: string): string => bytesOf(key).toString('hex');
const grouped = (text: string, size: number, separator: string): string =>
  text.replace(new RegExp(`.{${size}}(?=.)`, 'g'), (part) => `${part}${separator}`);
const pem = (text: string, end: string): string => grouped(bytesOf(text).toString('base64'), 76, end);
const around = (key: string): string => `${'left of it '.repeat(9)}${key}${' right of it'.repeat(9)}`;

/** Forms in which text shows a key, which stands in their middle. */
const forms: Record<string, (key: string) => string> = {
  'in capitals': (key) => key.toUpperCase(),
  'in small letters': (key) => key.toLowerCase(),
  'in any letters, percent-encoded': (key) => encodeURIComponent(key.toUpperCase()).toLowerCase(),
  'in capitals, JSON-escaped': (key) => JSON.stringify(key.toUpperCase()).slice(1, -1),
  'base64 in lines of 76': (key) => pem(around(key), '\n'),
  'base64 in lines of 76, \\r\\n': (key) => pem(around(key), '\r\n'),
  'base64 in indented lines': (key) => pem(around(key), '\n        '),
  'base64 in lines of 76, in JSON': (key) => JSON.stringify(pem(around(key), '\n')).slice(1, -1),
  'base64 in lines of 76, \\r\\n, in JSON in JSON': (key) =>
    JSON.stringify(JSON.stringify(pem(around(key), '\r\n'))).slice(3, -3),
  'base64 in lines with tabs, in JSON': (key) => JSON.stringify(pem(around(key), '\t\r\n')).slice(1, -1),
  'base64 in lines of 4': (key) => grouped(bytesOf(key).toString('base64'), 4, '\n'),
  'base64url': (key) => bytesOf(`?>${key}?>`).toString('base64url'),
  'base64url in lines of 10': (key) => grouped(bytesOf(`?>${key}?>`).toString('base64url'), 10, '\n'),
  'hex in capitals': (key) => hexOf(key).toUpperCase(),
  'hex after 0x': (key) => `0x${hexOf(key)}`,
  'hex with colons': (key) => grouped(hexOf(key), 2, ':'),
  'hex with spaces': (key) => grouped(hexOf(key), 2, ' '),
  'hex with dashes, in capitals': (key) => grouped(hexOf(key), 2, '-').toUpperCase(),
  'hex in lines': (key) => grouped(grouped(hexOf(key), 2, ' '), 24, '\n  '),
  'hex in groups of four': (key) => grouped(hexOf(key), 4, ' '),
  'hex bytes, each after 0x': (key) => [...bytesOf(key)].map((byte) => `0x${byte.toString(16)}`).join(', '),
  'hex bytes, each after 0x, in capitals and lines': (key) =>
    [...bytesOf(key)].map((byte) => `0X${byte.toString(16).toUpperCase()}`).join(',\r\n\t'),
  'hex bytes, each after a percent sign': (key) => [...bytesOf(key)].map((byte) => `%${byte.toString(16)}`).join(''),
  'hex bytes, each after \\x': (key) => [...bytesOf(key)].map((byte) => `\\x${byte.toString(16)}`).join(''),
  'a Buffer, printed': (key) => inspect(bytesOf(key)).slice('<Buffer '.length, -1),
  'a Buffer as JSON': (key) => JSON.stringify([...bytesOf(key)]).slice(1, -1),
  'a Buffer as JSON, indented': (key) => JSON.stringify([...bytesOf(key)], null, 2).slice(4, -2),
  'a Uint8Array, printed': (key) => inspect(new Uint8Array(bytesOf(key)), { breakLength: 40 }).replace(/^.*\[\n?\s*|\s*\]$/g, ''),
  'a Uint8Array as JSON': (key) => JSON.stringify(new Uint8Array(bytesOf(key))).slice(2, -1),
  'a Uint8Array as JSON, indented': (key) => JSON.stringify(new Uint8Array(bytesOf(key)), null, 2).slice(5, -2),
  'character references of HTML': (key) => [...bytesOf(key)].map((byte) => `&#${String(byte)};`).join('').slice(2, -1),
}; // prettier-ignore

describe.each(KEYS)('%s', (key) => {
  it.each(Object.entries(forms))('is not left in text: %s', (_name, show) => {
    const shown = show(key);
    const middle = shown.slice(shown.length / 2 - 6, shown.length / 2 + 6);
    const clean = redactValue(`of ${shown} .`, [key]);
    expect(clean).toMatch(/^of .*\[REDACTED\].* \.$/s);
    expect(clean).not.toContain(middle);
    expect(redactValue(shown, [key])).toContain(REDACTED);
    expect(redactValue({ list: [new Error(`of ${shown} .`)] }, [key]).list[0]?.message).toContain(REDACTED);
  });

  it.each(Object.entries(forms))('is not taken for another key: %s', (_name, show) => {
    const shown = `of ${show(`${key.slice(0, 9)}!!${key.slice(11)}`)} .`;
    expect(redactValue(shown, [key])).toBe(shown);
  });
});

describe('a key that is too long to be printed whole', () => {
  it.each<[string, unknown]>([
    ['a Buffer', Buffer.from(LONG)],
    ['a Uint8Array', new Uint8Array(Buffer.from(LONG))],
  ])('is not left in what is printed of it: %s', (_name, bytes) => {
    const text = `was ${inspect(bytes)}`;
    expect(text).toContain('more');
    const clean = redactValue(text, [LONG]);
    expect(clean.replace(/\D/g, '').length).toBeLessThan(10);
    expect(clean).toContain(REDACTED);
  });
});

describe('what is left of a key at a cut', () => {
  const key = 'sk_live_0123456789abcdefXYZ';

  it.each([
    ['"sk_live_0"', `"${REDACTED}"`],
    ["'sk_live_0", `'${REDACTED}`],
    ['the key `789abcdefXYZ`', `the key \`${REDACTED}\``],
    ['sk_live_01... and more', `${REDACTED}... and more`],
    ['sk_live_01\u2026 and more', `${REDACTED}\u2026 and more`],
    ['...defXYZ and ...89abcdefXYZ.', `...defXYZ and ...${REDACTED}.`],
    ['\u201c3456789a\u201d', `\u201c${REDACTED}\u201d`],
    ['ends with SK_LIVE_01', `ends with ${REDACTED}`],
    ['k=sk_live_****', `k=${REDACTED}****`],
    ['{"echo":"sk_live_0123', `{"echo":"${REDACTED}`],
  ])('is removed from eight characters on: %s', (text, clean) => {
    expect(redactValue(text, [key])).toBe(clean);
  });

  it.each(['"sk_live"', '"k_live_"...', 'ends with fXYZ', 'sk_live... and cdefXYZ'])('stays below: %s', (text) => {
    expect(redactValue(text, [key])).toBe(text);
  });

  it('stays where nothing is cut', () => {
    for (const text of ['a word like presk_live_01post is none', 'sk_live_01post begins the text'])
      expect(redactValue(text, [key])).toBe(text);
  });

  it('is removed whichever of its own repetitions it is', () => {
    const repeats = `${'ab'.repeat(40)}cd${'ab'.repeat(40)}ef`;
    for (const [from, to] of [[0, 30], [20, 82], [70, 100], [82, 164], [100, 164]] as const) {
      expect(redactValue(`"${repeats.slice(from, to)}" .`, [repeats])).toBe(`"${REDACTED}" .`);
    } // prettier-ignore
  });
});

describe('what JSON.parse says of a body that is a key and words', () => {
  const key = 'sk_live_0123456789abcdefXYZ';
  const complain = (body: string): string => {
    try {
      JSON.parse(body);
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error('the sample is JSON');
  };

  it.each([
    ['the key alone', key],
    ['the key at the start of a long body', `${key} is not a valid key for this account`],
    ['the key in the middle', `{"error": ${key} is not a valid key for this account}`],
    ['the key just before the fault', `["a text that is long enough and ${key}",?"and more of it"]`],
    ['the key at the end', `["a text that is long enough to be cut", ${key.slice(0, 12)}`],
    ['the key in a short body', `k${key}`],
  ])('holds no eight characters of it: %s', (_name, body) => {
    const message = complain(body);
    const runs = (text: string): string[] =>
      Array.from({ length: key.length - 7 }, (_none, at) => key.slice(at, at + 8)).filter((run) => text.includes(run));
    expect(runs(message)).not.toEqual([]);
    expect(runs(redactValue(message, [key]))).toEqual([]);
  });

  it('leaves a call of the client without it', async () => {
    const client = new GoldDataClient({
      keyProvider: { name: 'own', load: () => Promise.resolve({ bytes: Buffer.from(key), version: '1' }) },
      retry: false,
      fetchPrice: async (_symbol, { apiKey }) => await new Response(`${apiKey} is unknown to us, sorry`).json(),
    });
    const error = (await client.getPrice('XAU').catch((reason: unknown) => reason)) as SyntaxError;
    await client.close();
    expect(error).toBeInstanceOf(SyntaxError);
    expect(`${error.message}${String(error.stack)}`).not.toContain('sk_live');
    expect(error.message).toContain(`"${REDACTED}"...`);
  });
});
