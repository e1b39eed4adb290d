import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { GoldDataClient } from '../../../src/core/index.js';
import { GoneKeys } from '../../../src/core/redaction/gone-keys.js';
import * as bare from '../../../src/core/redaction/redact.js';
import { errorWith, NOT_SEARCHED, REDACTED, redactValue, scrub } from './helpers.js';

const KEY = '1234567890';

describe('a key of digits alone', () => {
  it.each<[string, unknown, unknown]>([
    ['a number', 1234567890, REDACTED],
    ['a negative number', -1234567890, `-${REDACTED}`],
    ['a bigint', 1234567890n, REDACTED],
    ['the decimals of a number', 0.1234567890123, `0.${REDACTED}123`],
    ['the digits before a point', 1234567890.5, `${REDACTED}.5`],
    ['a number in an object', { echo: 1234567890 }, { echo: REDACTED }],
    ['a number in an array', [1, 1234567890, 2], [1, REDACTED, 2]],
    ['a number in a Map', new Map([['a', 1234567890]]), new Map([['a', REDACTED]])],
    ['a number as the key of a Map', new Map([[1234567890, 'a']]), new Map([[REDACTED, 'a']])],
    ['a number in a Set', new Set([1234567890, 1]), new Set([REDACTED, 1])],
    ['a property name', { 1234567890: 1 }, { [REDACTED]: 1 }],
    ['another number', [1234067890, 1234567, 0.1, Number.NaN, -0], [1234067890, 1234567, 0.1, Number.NaN, -0]],
  ])('is found as %s', (_name, value, clean) => {
    expect(redactValue(value, [KEY])).toEqual(clean);
  }); // prettier-ignore

  it('is found on errors, in place', () => {
    const error = Object.assign(new Error('failed', { cause: new Error('no') }), {
      echo: 1234567890,
      list: [1234567890n],
    });
    Object.assign(error.cause as Error, { code: 1234567890 });
    expect(scrub(error, [KEY])).toBe(error);
    expect(error).toMatchObject({ echo: REDACTED, list: [REDACTED], cause: { code: REDACTED } });
    expect(inspect(errorWith({ a: scrub(error, [KEY]) }), { depth: 9 })).not.toContain(KEY);
  });

  it.each([
    ['12345678901234567890', '{"echo":12345678901234567890}'],
    ['12345678901234567890123456', '{"echo":[12345678901234567890123456]}'],
    ['9007199254740993', '{"echo":{"deep":9007199254740993}}'],
  ])('is found when it is more than a number holds: %s', (key, body) => {
    const value: unknown = JSON.parse(body);
    const shown = JSON.stringify(value);
    expect(JSON.stringify(redactValue(value, [key]))).toContain(REDACTED);
    expect(redactValue(`was ${shown} .`, [key])).toContain(REDACTED);
    const gone = new GoneKeys();
    gone.add(Buffer.from(key));
    expect(JSON.stringify(bare.redactValue(value, [], gone.list()))).toContain(REDACTED);
  });

  it('is found without its leading zeros, which no number has', () => {
    expect(redactValue({ echo: Number('0012345678') }, ['0012345678'])).toEqual({ echo: REDACTED });
  });

  it('that is too long for any number is found as text only', () => {
    const key = '7'.repeat(400);
    expect(redactValue([Infinity, 'infinity', key], [key])).toEqual([Infinity, 'infinity', REDACTED]);
  });

  it('is looked for in no number that is too short for one, and in nothing else: they count as no text', () => {
    const rest = [1, -9_999_999, undefined, null, true];
    const value = new Set<unknown>(['x'.repeat(1_048_576), ...rest]);
    expect(redactValue(value, [KEY]) === value).toBe(true);
    for (const counted of [10_000_000, -10_000_000, 0.5, 1n]) {
      expect([...redactValue(new Set<unknown>([...value, counted]), [KEY])].slice(1)).toEqual([...rest, NOT_SEARCHED]);
    }
    const named = [undefined, null, true];
    expect(redactValue(named, ['undefined', 'null', 'true'])).toBe(named);
  });

  it('leaves a client neither as a number nor as a bigint', async () => {
    const client = new GoldDataClient({
      keyProvider: { name: 'own', load: () => Promise.resolve({ bytes: Buffer.from(KEY), version: '1' }) },
      retry: false,
      fetchPrice: (_symbol, { apiKey }) =>
        Promise.reject(Object.assign(new Error('no'), { echo: Number(apiKey), big: [BigInt(apiKey)] })),
    });
    const error = await client.getPrice('XAU').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ echo: REDACTED, big: [REDACTED] });
    expect(client.redact({ echo: 1234567890 })).toEqual({ echo: REDACTED });
    await client.close();
    expect(client.redact([{ echo: 1234567890 }, 1234567890n])).toEqual([{ echo: REDACTED }, REDACTED]);
  });
});
