import { describe, expect, it } from 'vitest';
import { encoders, encodingFound, KEYS, PLAIN, SPECIAL } from './encodings.js';
import { allLeaks } from './leaks.js';
import { REDACTED, redactValue } from './helpers.js';

const cases = KEYS.flatMap((key) => Object.entries(encoders).map(([name, encode]) => ({ key, name, encode })));

describe('a text', () => {
  it.each(cases)('does not keep $key $name', ({ key, encode }) => {
    const text = `before ${encode(key)} after`;
    expect(encodingFound(text, key)).toBeDefined();

    const clean = redactValue(text, [key]);

    expect(encodingFound(clean, key)).toBeUndefined();
    expect(clean).toContain(REDACTED);
    expect(clean.startsWith('before ')).toBe(true);
    expect(clean.endsWith(' after')).toBe(true);
  });

  it.each(cases)('does not keep $key $name when it is nothing else', ({ key, encode }) => {
    expect(encodingFound(encode(key), key)).toBeDefined();
    const clean = redactValue(encode(key), [key]);
    expect(encodingFound(clean, key)).toBeUndefined();
    expect(clean).toContain(REDACTED);
  });

  it.each(cases)('does not keep $key $name between the parameters of a URL', ({ key, encode }) => {
    const text = `http://h/p?access_key=${encode(key)}&base=USD`;
    expect(encodingFound(text, key)).toBeDefined();

    const clean = redactValue(text, [key]);

    expect(encodingFound(clean, key)).toBeUndefined();
    expect(clean.startsWith('http://h/p?access_key=')).toBe(true);
    expect(clean.endsWith('&base=USD')).toBe(true);
  });

  it.each(cases)('does not keep two copies of $key $name', ({ key, encode }) => {
    const text = `${encode(key)} ${encode(key)},${encode(key)}`;
    expect(encodingFound(redactValue(text, [key]), key)).toBeUndefined();
  });

  it.each(KEYS)('loses %s in all encodings at once', (key) => {
    const text = Object.values(encoders)
      .map((encode) => encode(key))
      .join(' | ');
    const clean = redactValue(text, [key]);
    expect(encodingFound(clean, key)).toBeUndefined();
    expect(clean.split(' | ')).toHaveLength(Object.keys(encoders).length);
  });

  it('keeps what stands around the key, letter for letter', () => {
    const text = `GET http://h/latest?base=XAU&access_key=${encodeURIComponent(SPECIAL)}&symbols=USD%2CEUR failed: \\n "${PLAIN}"`;
    const clean = redactValue(text, [SPECIAL, PLAIN]);
    expect(clean).toBe('GET http://h/latest?base=XAU&access_key=[REDACTED]&symbols=USD%2CEUR failed: \\n "[REDACTED]"');
  });

  it('may hold characters of any script around the key', () => {
    for (const encode of Object.values(encoders)) {
      const clean = redactValue(`Gold 🥇 für 東京 \u2028 ${encode(SPECIAL)} 🥇 naïve \0 end`, [SPECIAL]);
      expect(encodingFound(clean, SPECIAL)).toBeUndefined();
      expect(clean.startsWith('Gold 🥇 für 東京 \u2028 ')).toBe(true);
      expect(clean.endsWith(' 🥇 naïve \0 end')).toBe(true);
    }
  });

  it('ends the work even when the key looks like the mark that replaces it', () => {
    for (const key of ['REDACTED', '[REDACTED]', 'REDACTED]', 'not searched']) {
      expect(typeof redactValue(`x ${key} ${key}`, [key])).toBe('string');
    }
  });

  it('leaves no readable part of the key at the edges of a base64 run', () => {
    for (const prefix of ['', 'u', 'us', 'use', 'user:']) {
      const clean = redactValue(`Basic ${Buffer.from(`${prefix}${PLAIN}:x`).toString('base64')}`, [PLAIN]);
      const rest = clean.match(/[A-Za-z0-9+/]{2,}/g)?.map((run) => Buffer.from(run, 'base64').toString('latin1')) ?? [];
      for (const text of rest) expect(text).not.toContain(PLAIN.slice(0, 3));
      for (const text of rest) expect(text).not.toContain(PLAIN.slice(-3));
    }
  });

  it.each([
    ['an empty text', ''],
    ['a text shorter than the key', 'k3y'],
    ['the key but for its last character, in a longer word', `${PLAIN.slice(0, -1)}z`],
    ['the key but for its first character, in a longer word', `${PLAIN.slice(1)}z`],
    ['seven characters of the key', `"${PLAIN.slice(0, 7)}"...`],
    ['base64 of something else', Buffer.from('nothing to see in here').toString('base64')],
    ['percent signs that encode nothing', '100%, 5%zz, %'],
    ['backslashes that escape nothing', '\\ \\u12 \\'],
    ['the mark itself', REDACTED],
  ])('stays as it is when it holds %s', (_name, text) => {
    expect(redactValue(text, [PLAIN, SPECIAL])).toBe(text);
  });
});

describe('several keys', () => {
  it('are all removed', () => {
    const clean = redactValue(`${SPECIAL}, ${PLAIN}`, [SPECIAL, PLAIN]);
    expect(clean).toBe('[REDACTED], [REDACTED]');
  });

  it.each([
    ['the shorter first', ['abcdefgh', 'abcdefgh-and-more']],
    ['the longer first', ['abcdefgh-and-more', 'abcdefgh']],
  ])('of which one begins the other leave no rest of the longer one, %s', (_name, keys) => {
    expect(redactValue('x abcdefgh-and-more y abcdefgh z', keys)).toBe('x [REDACTED] y [REDACTED] z');
  });

  it('that overlap in a text are both removed', () => {
    const clean = redactValue('x abcdefghijkl y', ['abcdefgh', 'efghijkl']);
    expect(clean).not.toContain('abcdefgh');
    expect(clean).not.toContain('efghijkl');
  });

  it('that stand back to back are both removed', () => {
    expect(allLeaks(redactValue(`${PLAIN}${SPECIAL}${PLAIN}`, [SPECIAL, PLAIN]), PLAIN)).toEqual([]);
    expect(allLeaks(redactValue(`${PLAIN}${SPECIAL}${PLAIN}`, [SPECIAL, PLAIN]), SPECIAL)).toEqual([]);
  });

  it('that repeat themselves are removed wherever they start', () => {
    expect(encodingFound(redactValue(`x${'abab'.repeat(7)}x`, ['abababab']), 'abababab')).toBeUndefined();
    expect(encodingFound(redactValue('aaaaaaaaaaaaaaaaaaa', ['aaaaaaaa']), 'aaaaaaaa')).toBeUndefined();
  });

  it('none at all, or an empty one, change nothing', () => {
    const value = { text: 'abc', list: [1, ''] };
    expect(redactValue(value, [])).toEqual({ text: 'abc', list: [1, ''] });
    expect(redactValue(value, [''])).toEqual({ text: 'abc', list: [1, ''] });
  });

  it.each([
    '%41%42%43%44',
    '\\u0041\\u0042',
    'a+b/c==d',
    '[[[[((((',
    '$&$1$`$$',
    '^.*.*.*$',
    '0x6b6579',
    '\\\\\\\\\\\\\\\\',
  ])('such as %s, which looks like an encoding or a pattern, is removed', (key) => {
    for (const encode of Object.values(encoders)) {
      const text = `before ${encode(key)} after`;
      expect(encodingFound(redactValue(text, [key]), key), text).toBeUndefined();
    }
  });
});
