import { describe, expect, it } from 'vitest';
import { redactValue, scrub } from '../../../src/core/redaction/redact.js';
import { findSecret } from '../../../src/testing/assert-no-secret.js';
import { PLAIN as KEY, SPECIAL } from './encodings.js';
import { errorWith, NOT_SEARCHED, REDACTED } from './helpers.js';
import { leaksInGraph } from './leaks.js';

const MB = 1024 * 1024;
/** A stalled process is what these tests would notice, hence the limit; how fast it is belongs to the benchmark. */
const LIMIT = 10_000;

const lines = (bytes: number): string => 'one line of a long answer, '.repeat(Math.ceil(bytes / 27));

const nested = (levels: number, leaf: unknown): object => {
  let value: object = { leaf };
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? { value } : [value];
  return value;
};

const huge: Record<string, () => unknown> = {
  'a text of 50 MB': () => `${lines(50 * MB)}${KEY}`,
  'a Buffer of 50 MB': () => Buffer.concat([Buffer.alloc(50 * MB, 'ab, '), Buffer.from(KEY)]),
  'an ArrayBuffer of 50 MB': () => {
    const bytes = new Uint8Array(50 * MB);
    bytes.set(Buffer.from(KEY), 50 * MB - KEY.length);
    return bytes.buffer;
  },
  'an array of 500,000 objects': () =>
    Array.from({ length: 500_000 }, (_none, i) => (i === 499_999 ? { key: KEY } : { i })),
  'an array of 50 texts of 1 MB': () => Array.from({ length: 50 }, (_none, i) => `${i} ${lines(MB)}${KEY}`),
  'an object of 200,000 properties': () =>
    Object.fromEntries([...Array.from({ length: 200_000 }, (_none, i) => [`p${i}`, i]), ['last', KEY]]),
  'a Map of 300,000 entries': () =>
    new Map([...Array.from({ length: 300_000 }, (_none, i) => [i, i]), ['key', KEY]] as never),
  'objects nested 10,000 deep': () => nested(10_000, KEY),
  'Maps nested 10,000 deep': () => {
    let map = new Map<string, unknown>([['key', KEY]]);
    for (let level = 0; level < 10_000; level += 1) map = new Map([['next', map]]);
    return map;
  },
};

describe.each(Object.entries(huge))('%s', (name, make) => {
  it('on an error holds nobody up and shows no key', { timeout: LIMIT }, () => {
    const data = make();
    const error = Object.assign(new Error(`failed with ${KEY}`), { response: { status: 401, data } });

    const left = scrub(error, [KEY]) as typeof error;

    expect(left).toBe(error);
    expect(left.response.status).toBe(401);
    expect(left.message).toBe(`failed with ${REDACTED}`);
    expect(left.stack).toContain(`failed with ${REDACTED}\n`);
    if (name.includes('50 MB')) expect(left.response.data === NOT_SEARCHED).toBe(true);
    expect(Object.is(left.response.data, data)).toBe(false);
    expect(leaksInGraph(left, KEY)).toEqual([]);
  });

  it('comes back from redactValue without the key and is not changed', { timeout: LIMIT }, () => {
    const data = make();
    const copy = redactValue({ data }, [KEY]);
    expect(Object.is(copy.data, data)).toBe(false);
    expect(leaksInGraph(copy, KEY)).toEqual([]);
    if (!name.includes('deep')) expect(leaksInGraph(data, KEY, 1)).not.toEqual([]);
  });
});

describe('the bound', () => {
  it('spares what comes before it: the small parts of a large error read as ever', { timeout: LIMIT }, () => {
    const error = Object.assign(new Error(`failed with ${KEY}`, { cause: new TypeError(`no ${KEY}`) }), {
      body: lines(50 * MB),
      status: 503,
      config: { url: `/p?k=${KEY}`, method: 'get' },
    });
    const left = scrub(error, [KEY]) as typeof error;
    expect(left.body.slice(0, 100)).toBe(NOT_SEARCHED);
    expect(left.status).toBe(503);
    expect(left.config).toEqual({ url: `/p?k=${REDACTED}`, method: 'get' });
    expect((left.cause as Error).message).toBe(`no ${REDACTED}`);
  });

  it('is not a border across which a key slips', { timeout: LIMIT }, () => {
    for (const length of [MB - KEY.length - 1, MB - KEY.length, MB - 10, MB - 1, MB, MB + 1, 2 * MB - 10]) {
      const text = `${'- '.repeat(MB).slice(0, length)}${KEY} end`;
      expect(leaksInGraph(scrub(errorWith({ text }), [KEY]), KEY), `key at ${length}`).toEqual([]);
      expect(leaksInGraph(scrub(errorWith(Buffer.from(text)), [KEY]), KEY), `bytes, key at ${length}`).toEqual([]);
      expect(leaksInGraph(scrub(errorWith([text.slice(0, MB - 5), text.slice(MB - 5), KEY]), [KEY]), KEY)).toEqual([]);
    }
  });

  it('holds for an error whose own message is 50 MB', { timeout: LIMIT }, () => {
    const error = new Error(`${lines(50 * MB)}${KEY}`);
    const left = scrub(error, [KEY]) as Error;
    expect(left).toBe(error);
    expect(left.message.length).toBeLessThan(2 * MB);
    expect(leaksInGraph(left, KEY)).toEqual([]);
  });

  it('holds for a thrown text of 50 MB', { timeout: LIMIT }, () => {
    expect(scrub(`${lines(50 * MB)}${KEY}`, [KEY]) === NOT_SEARCHED).toBe(true);
  });

  it('holds for a chain of 10,000 causes', { timeout: LIMIT }, () => {
    let error = new Error(KEY);
    for (let level = 0; level < 10_000; level += 1) error = new Error(`level ${level} ${KEY}`, { cause: error });
    const left = scrub(error, [KEY]) as Error;
    expect(left).toBe(error);
    expect(left.message).toBe(`level 9999 ${REDACTED}`);
    expect(leaksInGraph(left, KEY)).toEqual([]);
  });

  it('holds for an AggregateError of 20,000 errors', { timeout: LIMIT }, () => {
    const list = Array.from({ length: 20_000 }, (_none, index) => new Error(`${index} ${KEY}`));
    const error = new AggregateError(list, KEY);
    expect(scrub(error, [KEY])).toBe(error);
    expect(leaksInGraph(error, KEY)).toEqual([]);
  });

  it.each<[string, string]>([
    ['percent signs', '%'],
    ['encoded percent signs', '%25'],
    ['escapes', '\\u0030'],
    ['one letter', 'A'],
    ['hex digits', '30'],
    ['almost the key', `${KEY.slice(0, -1)} `],
    ['almost the key, encoded', encodeURIComponent(SPECIAL.slice(0, -1))],
    ['almost the key in base64', Buffer.from(KEY).toString('base64').slice(0, -6)],
    ['almost the key in hex', Buffer.from(KEY).toString('hex').slice(0, -2)],
  ])('keeps the work small on 300 KB of %s', { timeout: LIMIT }, (_name, unit) => {
    const text = unit.repeat(Math.ceil(300_000 / unit.length));
    const left = scrub(errorWith({ text }), [KEY, SPECIAL]) as { extra: { text: string } };
    expect(left.extra.text === text || left.extra.text === NOT_SEARCHED).toBe(true);
  });

  it.each<[string, string]>([
    ['the key', KEY],
    ['the key and its like', `${KEY}${KEY.slice(0, -1)}`],
    ['the key in base64, without a gap', Buffer.from(`${KEY}x`).toString('base64')],
    ['the key in hex, without a gap', Buffer.from(KEY).toString('hex')],
    ['the key, URL-encoded to the last character', KEY.replace(/./g, (c) => `%${c.charCodeAt(0).toString(16)}`)],
    ['the key between backslashes', `${'\\'.repeat(50)}${KEY}`],
  ])('keeps the work small on 300 KB of %s', { timeout: LIMIT }, (_name, unit) => {
    const text = unit.repeat(Math.ceil(300_000 / unit.length));
    const left = scrub(errorWith({ text }), [KEY, SPECIAL]) as { extra: { text: string } };
    expect(left.extra.text.includes('[REDACTED')).toBe(true);
    expect(leaksInGraph(left, KEY)).toEqual([]);
  });

  it('keeps the work small on 50 KB of backslashes', { timeout: LIMIT / 2 }, () => {
    const text = '\\'.repeat(50_000);
    expect(scrub(errorWith({ text }), [KEY, SPECIAL])).toHaveProperty('extra.text', text);
  });

  it('holds for a chain of 5,000 frozen errors', { timeout: LIMIT }, () => {
    for (const [first, later] of [
      [KEY, KEY],
      [KEY, 'clean'],
    ] as const) {
      let error = Object.freeze(new Error(first));
      for (let level = 0; level < 5_000; level += 1) error = Object.freeze(new Error(later, { cause: error }));
      const left = scrub(error, [KEY]);
      expect(left).toBeInstanceOf(Error);
      expect(leaksInGraph(left, KEY)).toEqual([]);
    }
  });

  it('does not lie in the length of an array with holes', { timeout: LIMIT }, () => {
    const holes: string[] = [];
    holes[4_294_967_294] = KEY;
    const left = scrub(errorWith(holes), [KEY]) as { extra: string[] };
    expect(leaksInGraph(left, KEY)).toEqual([]);
    expect(holes[4_294_967_294]).toBe(KEY);
  });

  it('ends a graph that getters make up for ever', { timeout: LIMIT }, () => {
    const endless = (): object => ({
      get next() {
        return endless();
      },
    });
    expect(() => scrub(errorWith(endless()), [KEY])).not.toThrow();
    expect(() => redactValue(endless(), [KEY])).not.toThrow();
    expect(() => findSecret(endless(), KEY)).not.toThrow();
    const iterable = {
      *[Symbol.iterator]() {
        for (;;) yield 1;
      },
    };
    expect(() => scrub(errorWith(iterable), [KEY])).not.toThrow();
  });

  it('is fresh for every error', { timeout: LIMIT }, () => {
    scrub(errorWith(lines(50 * MB)), [KEY]);
    const left = scrub(errorWith({ key: KEY, deep: { list: ['a'] } }), [KEY]) as { extra: object };
    expect(left.extra).toEqual({ key: REDACTED, deep: { list: ['a'] } });
  });

  it('leaves a nesting of 20 and a text of 100 KB to be searched', () => {
    const text = lines(100_000);
    const left = scrub(errorWith({ deep: nested(20, KEY), text, long: `${text}${KEY}` }), [KEY]) as {
      extra: { deep: object; text: string; long: string };
    };
    expect(left.extra.deep).toEqual(nested(20, REDACTED));
    expect(left.extra.text === text).toBe(true);
    expect(left.extra.long.slice(-50)).toBe(`${text}${REDACTED}`.slice(-50));
  });
});
