import { afterEach, describe, expect, it, vi } from 'vitest';
import { SearchBudget } from '../../../../src/core/redaction/search-budget.js';
import { SPECIAL as KEY } from '../encodings.js';
import { REDACTED, redactValue, scrub } from '../helpers.js';

afterEach(() => void vi.restoreAllMocks());

/** Entries that a search counts. A call of the caller's code counts as ten. */
const count = (search: () => unknown): number => {
  const take = vi.spyOn(SearchBudget.prototype, 'takeEntry');
  search();
  const entries = take.mock.calls.reduce((sum, [weight = 1]) => sum + weight, 0);
  take.mockRestore();
  return entries;
};
const CALL = 10;

class Price {
  readonly base = 'USD';
  get symbol(): string {
    return 'XAU';
  }
  url(): string {
    return '/p';
  }
}

/** An error whose properties are the same in every version of Node.js. */
const failure = (proto: object, own: object = {}): object =>
  Object.assign(Object.create(proto) as object, { message: 'failed' }, own);
const eight = (): number[] => [1, 2, 3, 4, 5, 6, 7, 8];

describe('a search counts one for each object, and', () => {
  it.each<[string, () => object, number]>([
    ['nothing for what every object has', () => ({}), 1],
    ['nothing for a prototype that it has not', () => Object.create(null) as object, 1],
    ['one for each property', () => ({ a: 1, b: 'USD' }), 3],
    ['one for each that a listing does not show', () => Object.defineProperty({}, 'a', { value: 1 }), 2],
    ['ten for a getter of its own', () => ({ get a() { return 1; } }), 1 + CALL],
    ['one for each object that it holds', () => ({ a: { b: {} } }), 5],
    ['one for an object that it holds twice', () => { const held = {}; return { a: held, b: held }; }, 4],
    ['one for each item of a list, and none for its length', () => [1, 'USD', 3], 4],
    ['nothing for a list of bytes', () => eight(), 1],
    ['nothing for a list of the least and the largest byte', () => [0, 255, 0, 255, 0, 255, 0, 255], 1],
    ['one for each item of a list with a number below a byte', () => [-1, ...eight()], 10],
    ['one for each item of a list with a number above a byte', () => [256, ...eight()], 10],
    ['one for each item of a list that is too short for a key', () => [1, 2, 3], 4],
    ['nothing for a list of bytes that spells the key', () => [...Buffer.from(KEY)], 1],
    ['one for each byte of a list with another property', () => Object.assign(eight(), { a: 1 }), 10],
    ['nothing for a key that was spread into its characters', () => [...KEY], 1],
    ['one for each pair of a Map', () => new Map([['a', 1], ['b', 2]]), 3],
    ['one for each member of a Set', () => new Set([1, 2, 3]), 4],
    ['one for each property of a Map', () => Object.assign(new Map([['a', 1]]), { b: 2 }), 3],
    ['one for each pair of URLSearchParams', () => new URLSearchParams('a=1&b=2'), 3],
    ['nothing for bytes', () => new Uint8Array(100), 1],
    ['nothing for many bytes', () => new Uint8Array(10_000), 1],
    ['one for each property of bytes', () => Object.assign(new Uint8Array(100), { a: 1 }), 2],
    ['nothing for a URL', () => new URL('http://h/p?a=b'), 1],
    ['one for each property of a URL, and nothing for how a URL prints', () => Object.assign(new URL('http://h/p'), { a: 1 }), 2],
    ['one for each property of a Buffer, and nothing for how a Buffer prints', () => Object.assign(Buffer.alloc(100), { a: 1 }), 2],
    ['one for each property of a Date', () => Object.assign(new Date(0), { a: 1 }), 2],
    ['one for each property that it inherits', () => new Price(), 2 + 3],
    ['nothing for one that it hides', () => Object.assign(Object.create({ a: 1, b: 2 }) as object, { a: 3 }), 1 + 1 + 1],
    ['nothing for what every error has', () => failure(Error.prototype), 2],
    ['one for each property of its class of errors that is not its own', () => failure(TypeError.prototype), 2 + 2],
    ['ten more for the stack of an error', () => failure(Error.prototype, { stack: 'at p' }), 3 + CALL],
    ['one for what is a stack elsewhere', () => ({ stack: 'at p' }), 2],
    ['one for the length and the name of a function', () => () => 0, 3],
    ['one for the class that a class extends', () => { class Gold extends Price {} return Gold; }, 3 + 3],
    ['ten for a method that prints', () => Object.create({ toJSON: () => 1, constructor: undefined }) as object, 1 + 2 + CALL],
    ['ten for a live object, and nothing for what it has', () => Object.create({ pipe: () => 0, a: 1 }) as object, 1 + CALL],
    ['one for the object in which a live one keeps its headers', () => Object.create({ pipe: () => 0, headers: {} }) as object, 2 + CALL],
  ])('%s', (_name, make, entries) => {
    const value = make();
    expect(count(() => redactValue(value, [KEY]))).toBe(entries);
  }); // prettier-ignore

  it('nothing more for what is no error in a list of errors', () => {
    const error = failure(Error.prototype, { errors: ['many', 401, null] });
    expect(count(() => scrub(error, [KEY]))).toBe(3 + 4);
  });

  it('ten for a method by which an error of the chain prints, after all the rest', () => {
    const error = failure(Error.prototype);
    Object.defineProperty(error, 'toJSON', { value: () => 'gold', configurable: true });
    expect(count(() => scrub(error, [KEY]))).toBe(3 + 3 + CALL);
  });
});

describe('a copy counts', () => {
  const countCopied = (value: unknown, search: typeof scrub = redactValue): number => {
    const take = vi.spyOn(SearchBudget.prototype, 'takeCopiedEntry');
    search(value, [KEY]);
    const { length } = take.mock.calls;
    take.mockRestore();
    return length;
  };

  it('one for each property, and one more for an object of a class, which may not print as a copy', () => {
    expect(countCopied({ key: KEY, base: 'USD' })).toBe(2);
    expect(countCopied(Object.assign(Object.create({ base: 'USD' }) as object, { key: KEY }))).toBe(2 + 1);
    expect(countCopied({ key: KEY, toJSON: () => 'gold' })).toBe(3 + 1);
  });

  it('one for each property of an error of the chain that is changed, which is done once', () => {
    expect(countCopied(failure(Error.prototype, { url: `/p?k=${KEY}`, base: 'USD', message: KEY }), scrub)).toBe(2);
  });

  it('nothing for what holds no key', () => {
    expect(countCopied({ base: 'USD', list: [1], map: new Map([['a', 1]]), price: new Price() })).toBe(0);
  });
});

describe('what holds no key is not copied:', () => {
  it.each<[string, () => object]>([
    ['bytes', () => new Uint8Array(100)],
    ['a list of bytes', eight],
  ])('%s', (_name, make) => {
    const value = { one: make() };
    const alloc = vi.spyOn(Buffer, 'alloc');
    expect(redactValue(value, [KEY])).toBe(value);
    expect(alloc.mock.calls.filter(([length]) => length !== 4_096)).toEqual([]);
  });

  it('a URL', () => {
    const value = { one: new URL('http://h/p?a=b') };
    // What URL has is listed by the first search that asks for it: not while another one stands in its place.
    redactValue(value, [KEY]);
    const create = vi.spyOn(globalThis, 'URL');
    expect(redactValue(value, [KEY])).toBe(value);
    expect(create).not.toHaveBeenCalled();
    create.mockRestore();
    expect(redactValue({ one: new URL(`http://h/p?a=${encodeURIComponent(KEY)}`) }, [KEY]).one.search).toBe(`?a=${REDACTED}`);
  }); // prettier-ignore
});
