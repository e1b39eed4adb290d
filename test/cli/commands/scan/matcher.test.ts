import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ContentScanner, type Hit } from '../../../../src/cli/commands/scan/content-scanner.js';
import { KeyMatcher } from '../../../../src/cli/commands/scan/matcher.js';
import { writeKey } from './key-texts.js';

const KEYS = [
  'sk-invented/+&=0123456789',
  'q83vASNFZ4mrze8BI0VniavN7wEjRWeJ',
  'short+/8',
  'AB12CD34',
  `"quoted\\'<key>"%25&amp;`,
  '0123456789012345',
  'Zz9~'.repeat(12),
];
const CHUNK = 1 << 18;
const OVERLAP = 4_096;
/** Text without a form of any key. */
const FILLER = Buffer.from(
  'The quick brown fox jumps over the lazy dog, 42 times {"a": [1, 22, 133]}; and then?\n'.repeat(40),
);

const WIDE = Buffer.from('....', 'utf16le');

const scanners = new Map<string, ContentScanner>();
function find(key: string, ...pieces: Uint8Array[]): Hit[] {
  const scanner = scanners.get(key) ?? new ContentScanner(new KeyMatcher([Buffer.from(key)]));
  scanners.set(key, scanner);
  const hits: Hit[] = [];
  scanner.begin((hit) => hits.push(hit));
  for (const piece of pieces) scanner.write(piece);
  scanner.finish();
  return hits;
}

describe('a key', () => {
  it.each(KEYS)('is found in every form, at the start, inside and at the end of a content: %s', (key) => {
    const missed: string[] = [];
    for (const [form, bytes] of writeKey(key)) {
      for (let shift = 0; shift < 4; shift++) {
        const before =
          /utf-16.e$/.test(form) && form !== 'base64-utf-16le'
            ? WIDE.subarray(0, 2 * shift)
            : FILLER.subarray(0, shift);
        for (const content of [
          [before, bytes],
          [before, bytes, FILLER],
          [FILLER.subarray(0, 80), before, bytes, FILLER],
        ]) {
          const { length } = find(key, ...content);
          if (length !== 1) missed.push(`${form} ${String(shift)} ${String(length)} ${narrow(bytes).slice(0, 80)}`);
        }
      }
    }
    expect(missed).toEqual([]);
  });

  it('is named by its form', () => {
    const [key = ''] = KEYS;
    // Where nothing is escaped, or no digit differs from those of base64, there is no such form.
    const distinct = writeKey(key).filter(
      ([form, bytes]) => !form.startsWith('base64url') && (/^(?:raw|utf)/.test(form) || !narrow(bytes).includes(key)),
    );

    expect(distinct.filter(([form, bytes]) => find(key, bytes)[0]?.form !== form)).toEqual([]);
    expect(find('sk-~~~~????>>>>', Buffer.from(Buffer.from('sk-~~~~????>>>>').toString('base64url')))).toMatchObject([
      { form: 'base64url' },
    ]);
  });

  it('is found at any place around the border of two chunks', () => {
    const [key = ''] = KEYS;
    const forms = writeKey(key);
    fc.assert(
      fc.property(fc.nat(forms.length - 1), fc.integer({ min: -700, max: 700 }), fc.nat(1), (index, offset, chunk) => {
        const [, bytes] = forms[index] as (typeof forms)[number];
        // Even, because UTF-16 is.
        const before = Buffer.alloc((chunk + 1) * CHUNK + OVERLAP + 2 * offset, '.\0-\0\n\0\n\0');
        expect(find(key, before, bytes, FILLER)).toHaveLength(1);
      }),
      { numRuns: 100, endOnFailure: true },
    );
  });

  it('is found once, however the content comes in pieces', () => {
    const [key = ''] = KEYS;
    const content = Buffer.concat([
      FILLER,
      ...writeKey(key).map(([, bytes]) => Buffer.concat([bytes, FILLER.subarray(0, 86)])),
    ]);
    const whole = find(key, content);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1 }), (sizes) => {
        const pieces: Buffer[] = [];
        for (let at = 0, index = 0; at < content.length; index++) {
          const size = sizes[index % sizes.length] as number;
          pieces.push(content.subarray(at, at + size));
          at += size;
        }
        expect(find(key, ...pieces)).toEqual(whole);
      }),
      { numRuns: 20, endOnFailure: true },
    );
    expect(whole.length).toBe(writeKey(key).length);
  });

  it('has line and column, in characters from 1, wherever it stands', () => {
    const [key = ''] = KEYS;
    const lines = 'é €\n'.repeat(400_000);
    const [hit] = find(key, Buffer.from(`${lines}Ω = ${key}\n`));

    expect(hit).toMatchObject({ line: 400_001, column: 5, endLine: 400_001, endColumn: 5 + key.length });
    expect(find(key, Buffer.from(`a\nb ${key}`, 'utf16le'))).toMatchObject([
      { line: 2, column: 3, endColumn: 3 + key.length, form: 'utf-16le' },
    ]);
    expect(find(key, Buffer.from(`a\nb ${key}`, 'utf16le').swap16())).toMatchObject([{ line: 2, column: 3 }]);
    expect(find(key, Buffer.alloc(3 * CHUNK), Buffer.from(`\n\n${key}`))).toMatchObject([{ line: 3, column: 1 }]);
  });
});

describe('what is no key', () => {
  it('random bytes, and text of the same characters, give no finding', () => {
    for (const key of KEYS) expect(find(key, randomBytes(2 * CHUNK))).toEqual([]);
    const [key = ''] = KEYS;
    const parts = [[...key].toReversed().join(''), key.slice(1), key.slice(0, -1), ''].join(' ');
    expect(find(key, Buffer.alloc(CHUNK, parts))).toEqual([]);
  });

  it.each(['SK-INVENTED/+&=0123456789', 'sk-invented/+&=012345678', 'sk-invented/+&= 0123456789', '115,107,45'])(
    'neither is another letter case, nor a part: %s',
    (text) => {
      expect(find(KEYS[0] ?? '', Buffer.from(text))).toEqual([]);
    },
  );
});

describe('when it is done', () => {
  it('nothing is left of the keys', () => {
    const [key = ''] = KEYS;
    const matcher = new KeyMatcher([Buffer.from(key)]);
    matcher.clear();
    const scanner = new ContentScanner(matcher);
    const hits: Hit[] = [];
    scanner.begin((hit) => hits.push(hit));
    scanner.write(Buffer.from(key));
    scanner.finish();

    expect(hits).toEqual([]);
  });
});

function narrow(bytes: Buffer): string {
  return bytes.toString('latin1').replaceAll('\0', '');
}
