import { afterEach, describe, expect, it, vi } from 'vitest';
import * as hurried from '../../../../src/core/redaction/redact.js';
import { PLAIN as KEY } from '../encodings.js';
import { NOT_SEARCHED, REDACTED } from '../helpers.js';

afterEach(() => void vi.restoreAllMocks());

/** From the start of a search on, it is late: 1,000 entries are searched all the same. */
const late = (): void => void vi.spyOn(performance, 'now').mockReturnValueOnce(1).mockReturnValue(60_000);
const numbers = (length: number): number[] => Array.from({ length }, (_none, index) => index);
const properties = (length: number): object => Object.fromEntries(numbers(length).map((index) => [`p${index}`, index]));

describe('when there is no time for all of it', () => {
  it.each<[string, (length: number) => object]>([
    ['a Map', (length) => new Map(numbers(length).map((index) => [index, index]))],
    ['a Set', (length) => new Set(numbers(length))],
    ['an object', properties],
    ['a list', numbers],
    ['a list of objects', (length) => numbers(length / 2).map(() => ({}))],
    ['URLSearchParams', (length) => new URLSearchParams(numbers(length).map((index): [string, string] => [`p${index}`, '1']))],
    ['an object that inherits', (length) => Object.create(properties(length)) as object],
    ['a Date with properties', (length) => Object.assign(new Date(0), properties(length))],
    ['a URL with properties', (length) => Object.assign(new URL('http://h/'), properties(length))],
    ['bytes with properties', (length) => Object.assign(new Uint8Array(8), properties(length))],
    ['getters', (length) => Object.defineProperties({}, Object.fromEntries(numbers(length / 10).map((index) => [`p${index}`, { get: () => 1, enumerable: true }])))],
    ['methods that print', (length) => numbers(length / 13).map(() => Object.create({ toJSON: () => 1, constructor: undefined }) as object)],
  ])('as much as counts for 1,000 is searched, and of more is nothing left but marks: %s', (_name, make) => {
    late();
    const [fits, more] = [make(900), make(1_400)];
    expect(hurried.redactValue(fits, [KEY])).toBe(fits);
    late();
    const left = hurried.redactValue<unknown>(more, [KEY]);
    if (left === NOT_SEARCHED) return;
    const list = left as unknown[];
    expect(list).toHaveLength((more as unknown[]).length);
    expect(list[0]).toBe((more as unknown[])[0]);
    expect(list.at(-1)).toBe(NOT_SEARCHED);
  }); // prettier-ignore

  it('an error keeps what tells of it, and loses the rest', () => {
    const error = Object.assign(Object.create(Error.prototype) as object, properties(1_100), {
      url: `/p?k=${KEY}`,
      message: `message ${KEY}`,
      stack: `stack ${KEY}`,
      cause: `cause ${KEY}`,
      name: `name ${KEY}`,
      code: `code ${KEY}`,
      status: 401,
    });
    late();
    expect(hurried.scrub(error, [KEY])).toBe(error);
    expect(error).toMatchObject({
      p0: 0,
      message: `message ${REDACTED}`,
      stack: `stack ${REDACTED}`,
      cause: `cause ${REDACTED}`,
      name: `name ${REDACTED}`,
      code: `code ${REDACTED}`,
      [NOT_SEARCHED]: NOT_SEARCHED,
    });
    expect(error).not.toHaveProperty('url');
    expect(error).not.toHaveProperty('status');
  });

  it('an error that is not of the chain gives way to a mark', () => {
    const error = Object.assign(new Error(`failed with ${KEY}`), properties(1_100));
    late();
    expect(hurried.redactValue<unknown>(error, [KEY])).toBe(NOT_SEARCHED);
  });

  it('a method of an error that could not be called gives way to a mark', () => {
    const error = Object.assign(Object.create(Error.prototype) as object, properties(1_100), { message: 'failed' });
    Object.defineProperty(error, 'toJSON', { value: () => KEY, configurable: true });
    late();
    expect(hurried.scrub(error, [KEY])).toBe(error);
    expect(JSON.stringify(error)).not.toContain(KEY);
  });

  it('the errors of the chain come before whatever hangs on them', () => {
    const cause = new Error(`no ${KEY}`);
    const error = Object.assign(new Error(`failed with ${KEY}`), { first: numbers(1_100), cause });
    late();
    expect(hurried.scrub(error, [KEY])).toBe(error);
    expect(error.first).toBe(NOT_SEARCHED);
    expect(error.cause).toBe(cause);
    expect(cause.message).toBe(`no ${REDACTED}`);
  });
});
