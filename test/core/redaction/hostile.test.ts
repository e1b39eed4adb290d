import { describe, expect, it } from 'vitest';
import { SPECIAL as KEY } from './encodings.js';
import { errorWith, NOT_SEARCHED, REDACTED, redactValue, scrub, scrubbed } from './helpers.js';
import { allLeaks } from './leaks.js';

const refuse = (): never => {
  throw new Error('not for you');
};

/** What throws when its class is asked for. */
const unclassed = (): object => Object.create(new Proxy({}, { getPrototypeOf: refuse })) as object;

/** What throws whatever is done to it. */
const untouchable = (): object =>
  Object.create(new Proxy({}, { getPrototypeOf: refuse, ownKeys: refuse, get: refuse, has: refuse })) as object;

describe.each([
  ['whose class cannot be asked for', unclassed],
  ['that cannot be touched', untouchable],
])('a value %s', (_name, make) => {
  it('on an error keeps nothing else there from being searched', () => {
    const error = Object.assign(new Error('failed'), { bad: make(), key: KEY, list: [make(), KEY] });
    const left = scrub(error, [KEY]) as typeof error;
    expect(left).toBe(error);
    expect(left.key).toBe(REDACTED);
    expect(left.list[1]).toBe(REDACTED);
    expect(allLeaks(left, KEY)).toEqual([]);
  });

  it('in a Map, a Set or an object keeps nothing else there from being searched', () => {
    const value = { map: new Map([['bad', make()]]), set: new Set([make()]), bad: make(), key: KEY };
    const copy = redactValue(value, [KEY]);
    expect(copy.key).toBe(REDACTED);
    expect(copy.map).toBeInstanceOf(Map);
    expect(copy.set).toBeInstanceOf(Set);
  });

  it('is replaced when it is all that was thrown', () => {
    const thrown = Object.assign(make(), { key: KEY });
    const left = scrub(thrown, [KEY]);
    expect(left === thrown).toBe(false);
    expect(allLeaks(left, KEY)).toEqual([]);
  });

  it('that holds the key does not show it', () => {
    const bad = Object.assign(make(), { key: KEY });
    const left = scrub(errorWith({ bad }), [KEY]) as ReturnType<typeof errorWith<{ bad: object }>>;
    expect(left.extra.bad === bad).toBe(false);
    expect(allLeaks(left, KEY)).toEqual([]);
  });
});

describe('an error', () => {
  it('that inherits from what cannot be read gives way to a mark', () => {
    const proto = new Proxy(Object.create(Error.prototype) as object, { ownKeys: refuse });
    const error = Object.setPrototypeOf(new Error(KEY), proto) as Error;
    expect(scrub(error, [KEY])).toBe(NOT_SEARCHED);
    const top = new Error('top', { cause: error });
    expect(scrub(top, [KEY])).toBe(top);
    expect(top.cause).toBe(NOT_SEARCHED);
  });

  it('of more than 10,000 properties is searched all the same, as it stays what it is', () => {
    const many = Object.fromEntries(Array.from({ length: 10_001 }, (_none, index) => [`p${index}`, index]));
    const error = Object.assign(new Error(`failed with ${KEY}`), many, { last: KEY });
    const left = scrub(error, [KEY]) as typeof error;
    expect(left).toBe(error);
    expect(left.message).toBe(`failed with ${REDACTED}`);
    expect(left).toMatchObject({ p10000: 10_000, last: REDACTED });
  });

  it('that lists what is no error is searched past that list', () => {
    const left = scrubbed(Object.assign(new AggregateError([null, undefined, 1, KEY]), { key: KEY }));
    expect(left).toMatchObject({ errors: [null, undefined, 1, REDACTED], key: REDACTED });
  });
});
