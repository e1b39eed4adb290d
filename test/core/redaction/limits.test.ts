import { afterEach, describe, expect, it, vi } from 'vitest';
import * as hurried from '../../../src/core/redaction/redact.js';
import { SearchBudget } from '../../../src/core/redaction/search-budget.js';
import { SecretMatcher } from '../../../src/core/redaction/secret-matcher.js';
import { WorkMeter } from '../../../src/core/redaction/work-meter.js';
import { PLAIN as KEY } from './encodings.js';
import { errorWith, NOT_SEARCHED, REDACTED, redactValue, scrub } from './helpers.js';

const MB = 1_048_576;
const x = (length: number): string => 'x'.repeat(length);

describe('a text', () => {
  it('of 1 MB is searched, one that is longer is not', () => {
    expect(redactValue(x(MB), [KEY]) === x(MB)).toBe(true);
    expect(redactValue(x(MB + 1), [KEY])).toBe(NOT_SEARCHED);
    expect(redactValue(`${x(MB - KEY.length)}${KEY}`, [KEY]).endsWith(`x${REDACTED}`)).toBe(true);
  });

  it('in an object is searched as long as all of them, with the names, are 1 MB at most', () => {
    const fits = { a: x(MB / 2), b: x(MB / 2 - 2) };
    expect(redactValue(fits, [KEY])).toBe(fits);
    const tooLong = redactValue({ a: x(MB / 2), b: x(MB / 2 - 1), c: 1 }, [KEY]);
    expect(tooLong.a).toHaveLength(MB / 2);
    expect(tooLong.b).toBe(NOT_SEARCHED);
    expect(tooLong.c).toBe(1);
  });

  it('is not searched for ever because a symbol without a description came before it', () => {
    const symbol = Symbol();
    const copy = redactValue({ symbol, [Symbol()]: 1, text: x(MB) }, [KEY]);
    expect(copy).toMatchObject({ symbol, text: NOT_SEARCHED });
    expect(redactValue({ symbol }, [KEY])).toEqual({ symbol });
    expect(redactValue(symbol, [KEY])).toBe(symbol);
  });
});

describe('bytes', () => {
  it('of 1 MB are searched, more are not', () => {
    const [fits, tooMany] = [Buffer.alloc(MB, 'x'), Buffer.alloc(MB + 1, 'x')];
    expect(redactValue(fits, [KEY]) === fits).toBe(true);
    expect(redactValue(tooMany, [KEY]) as unknown).toBe(NOT_SEARCHED);
  });

  it('count together with all the others', () => {
    const half = (): Uint8Array => new Uint8Array(MB / 2);
    const fits = [half(), half()];
    expect(redactValue(fits, [KEY]) === fits).toBe(false);
    const set = new Set([half(), half()]);
    expect(redactValue(set, [KEY]) === set).toBe(true);
    const more = [...redactValue(new Set<unknown>([half(), half(), new Uint8Array(1)]), [KEY])];
    expect([more[0], more[1]].includes(NOT_SEARCHED)).toBe(false);
    expect(more[2]).toBe(NOT_SEARCHED);
  });
});

describe('a collection of 10,000', () => {
  const numbers = (length: number): number[] => Array.from({ length }, (_none, index) => index);

  it.each<[string, (length: number) => object]>([
    ['entries of a Map', (length) => new Map(numbers(length).map((number) => [number, number]))],
    ['members of a Set', (length) => new Set(numbers(length))],
    ['properties', (length) => Object.fromEntries(numbers(length).map((number) => [`p${number}`, number]))],
    ['places in an array', (length) => Object.assign([], { length })],
  ])('is searched, and one more is not: %s', (_name, make) => {
    const fits = make(10_000);
    expect(redactValue(fits, [KEY]) === fits).toBe(true);
    expect(redactValue(make(10_001), [KEY]) as unknown).toBe(NOT_SEARCHED);
  });
});

describe('depth', () => {
  const nested = (levels: number, leaf: object): object => {
    let value = leaf;
    for (let level = 0; level < levels; level++) value = { value };
    return value;
  };

  it('of 32 is searched, what lies deeper is not', () => {
    expect(redactValue(nested(32, { key: KEY }), [KEY])).toEqual(nested(32, { key: REDACTED }));
    const clean = nested(32, { base: 'USD' });
    expect(redactValue(clean, [KEY])).toBe(clean);
    expect(JSON.stringify(redactValue(nested(33, { base: 'USD' }), [KEY]))).toBe(
      JSON.stringify(nested(33, {})).replace('{}', `"${NOT_SEARCHED}"`),
    );
  });

  it('of 32 causes is changed in place, what lies deeper gives way to a mark', () => {
    const errors = [new Error(`0 ${KEY}`)];
    for (let level = 1; level < 35; level++) errors.unshift(new Error(`${level} ${KEY}`, { cause: errors[0] }));

    const left = scrub(errors[0], [KEY]);

    expect(left).toBe(errors[0]);
    for (let level = 0; level <= 32; level++) expect(errors[level]?.message).toBe(`${34 - level} ${REDACTED}`);
    for (let level = 0; level < 32; level++) expect(errors[level]?.cause).toBe(errors[level + 1]);
    expect(errors[32]?.cause).toBe(NOT_SEARCHED);
    expect(errors[33]?.message).toBe(`1 ${KEY}`);
  });
});

describe('an AggregateError', () => {
  const list = (length: number): Error[] => Array.from({ length }, (_none, index) => new Error(`${index} ${KEY}`));

  it('of 1,000 errors has all of them changed in place', () => {
    const errors = list(1_000);
    const top = new AggregateError([...errors]);
    expect(scrub(top, [KEY])).toBe(top);
    expect(top.errors.every((error, index) => error === errors[index])).toBe(true);
    expect(errors[999]?.message).toBe(`999 ${REDACTED}`);
  });

  it('of more has copies of them in their place', () => {
    const errors = list(1_001);
    const top = new AggregateError([...errors]);
    expect(scrub(top, [KEY])).toBe(top);
    expect(top.errors[0]).not.toBe(errors[0]);
    expect((top.errors[0] as Error).message).toBe(`0 ${REDACTED}`);
    expect(errors[0]?.message).toBe(`0 ${KEY}`);
  });
});

describe('the time', () => {
  afterEach(() => void vi.restoreAllMocks());

  /** The search begins at 1 ms, and goes on at `later`. */
  const at = (later: number): void => void vi.spyOn(performance, 'now').mockReturnValueOnce(1).mockReturnValue(later);
  /** A list of 200, each of 18 properties: the list, its places and 42 of them make 1,000 entries. */
  const large = (): object[] =>
    Array.from({ length: 200 }, (_none, index) =>
      Object.fromEntries(Array.from({ length: 18 }, (_nothing, name) => [`p${name}`, `${index} ${KEY}`])),
    );
  const marks = (list: readonly unknown[]): number => list.filter((item) => item === NOT_SEARCHED).length;

  it('is not asked for up to 1,000 properties: what is larger is searched no further once 12 ms are over', () => {
    at(14);
    const copy = hurried.redactValue(large(), [KEY]);
    expect(copy).toHaveLength(200);
    expect(copy[0]).toHaveProperty('p17', `0 ${REDACTED}`);
    expect(copy[40]).toHaveProperty('p17', `40 ${REDACTED}`);
    expect(copy[199]).toBe(NOT_SEARCHED);
    expect(marks(copy)).toBeGreaterThan(90);
  });

  it('of 12 ms may be used up', () => {
    at(13);
    expect(marks(hurried.redactValue(large(), [KEY]))).toBe(0);
  });

  it.each<[string, () => object]>([
    ['bytes', () => new Uint8Array(1_000)],
    ['a list of bytes', () => Array.from({ length: 1_000 }, (_none, index) => index % 256)],
    ['a text in an object of its own', () => new String(x(1_000))],
  ])('is not used up by %s, as that is one thing and not a thousand', (_name, make) => {
    at(60_000);
    const value = { one: make(), two: make(), three: make(), four: { list: ['none'] } };
    expect(hurried.redactValue(value, [KEY])).toBe(value);
  });

  it('does not cut off a small error, however late it is', () => {
    at(60_000);
    const error = errorWith(large().slice(0, 40));
    const left = hurried.scrub(error, [KEY]) as typeof error;
    expect(marks(left.extra)).toBe(0);
    expect(left.extra[39]).toHaveProperty('p0', `39 ${REDACTED}`);
  });
});

describe('the clock of a search', () => {
  afterEach(() => void vi.restoreAllMocks());

  /** A budget that begins at 0 ms; the clock then shows `time.now`, and counts how often it is read. */
  const begin = (): { budget: SearchBudget; time: { now: number; readings: number } } => {
    const time = { now: 0, readings: -1 };
    vi.spyOn(performance, 'now').mockImplementation(() => {
      time.readings++;
      return time.now;
    });
    return { budget: new SearchBudget(), time };
  };
  const many = (): Array<[string, string]> =>
    Array.from({ length: 1_200 }, (_none, index) => [`p${index}`, `${index} ${KEY}`]);
  const repeat = (times: number, take: () => boolean): boolean[] => Array.from({ length: times }, take);

  it('is not read for the first 1,000 entries, and then after each 64', () => {
    const { budget, time } = begin();
    repeat(1_000, () => budget.takeEntry());
    expect(time.readings).toBe(0);
    budget.takeEntry();
    expect(time.readings).toBe(1);
    repeat(64, () => budget.takeEntry());
    expect(time.readings).toBe(1);
    budget.takeEntry();
    expect(time.readings).toBe(2);
  });

  it('ends the search after 12 ms, and the copy after 20', () => {
    const { budget, time } = begin();
    time.now = 12;
    expect([budget.takeEntry(2_000), budget.hasTimeToSearch()]).toEqual([true, true]);
    time.now = 13;
    expect([budget.takeEntry(1), budget.hasTimeToSearch(), budget.takeEntry(1)]).toEqual([true, false, false]);
    time.now = 20;
    expect(repeat(1_500, () => budget.takeCopiedEntry())).not.toContain(false);
    time.now = 21;
    const taken = repeat(100, () => budget.takeCopiedEntry());
    expect([taken.indexOf(false), taken.lastIndexOf(true)]).toEqual([35, 34]);
  });

  it('is read for a copy after 1,000 entries, and then after each 64', () => {
    const { budget, time } = begin();
    repeat(1_023, () => budget.takeCopiedEntry());
    expect(time.readings).toBe(0);
    repeat(1_000, () => budget.takeCopiedEntry());
    expect(time.readings).toBe(16);
  });

  it('may stand still for 100,000 entries', () => {
    const { budget } = begin();
    expect([budget.takeEntry(100_000), budget.takeEntry(64), budget.takeEntry()]).toEqual([true, true, false]);
  });

  it.each<[string, (last: object) => object, (copy: never) => readonly unknown[]]>([
    ['a Map', (last) => new Map<string, unknown>([...many(), ['last', last]]), (copy: Map<string, unknown>) => [...copy.keys()]],
    ['a Set', (last) => new Set([...many().flat(), last]), (copy: Set<unknown>) => [...copy]],
    ['an object', (last) => ({ ...Object.fromEntries(many()), last }), (copy: object) => Object.keys(copy)],
    ['an array', (last) => [...many().flat(), last], (copy: object) => Object.keys(copy)],
    ['an error', (last) => Object.assign(new Error(KEY), Object.fromEntries(many()), { last }), (copy: object) => Object.keys(copy)],
  ])('ends the copy of %s with a mark where the rest would stand', (_name, make, list) => {
    const { time } = begin();
    const last = {
      get late() {
        return (time.now = 60_000);
      },
    };
    const copy = hurried.redactValue(make(last), [KEY]);
    const left = list(copy as never);
    expect(left.length).toBeGreaterThan(990);
    expect(left.length).toBeLessThan(1_100);
    expect(left.at(-1)).toBe(NOT_SEARCHED);
    expect(copy instanceof Map ? copy.get(NOT_SEARCHED) : NOT_SEARCHED).toBe(NOT_SEARCHED);
    const mark = Object.getOwnPropertyDescriptor(copy, NOT_SEARCHED);
    if (mark !== undefined) expect(mark).toEqual({ value: NOT_SEARCHED, writable: true, enumerable: true, configurable: true });
  }); // prettier-ignore

  it('is asked for after 262,144 steps in a text, and then after each 16,384', () => {
    let asked = 0;
    const meter = new WorkMeter({ hasTimeToSearch: () => ++asked < 3 });
    const spent = [262_143, 1, 16_383, 1, 16_383, 1, 1].map((steps) => [meter.spend(steps), asked]);
    expect(spent).toEqual([[true, 0], [true, 1], [true, 1], [true, 2], [true, 2], [false, 3], [false, 4]]);
  }); // prettier-ignore

  it('ends the search of a text that takes longer: it gives way to a mark, and may hold a key', () => {
    const text = x(300_000);
    const start = (goesOn: boolean): SecretMatcher => new SecretMatcher([KEY], [], { hasTimeToSearch: () => goesOn });
    expect(start(false).redact(text)).toBe(NOT_SEARCHED);
    expect(start(false).contains(text)).toBe(true);
    expect(start(true).redact(text) === text).toBe(true);
    expect(start(true).contains(text)).toBe(false);
  });

  it('may stand still for 67,108,863 steps, and for ever where nobody set a bound', () => {
    const start = (): WorkMeter => new WorkMeter({ hasTimeToSearch: () => true });
    expect(start().spend(67_108_863)).toBe(true);
    expect(start().spend(67_108_864)).toBe(false);
    expect(new WorkMeter(undefined).spend(67_108_864)).toBe(true);
  });
});
