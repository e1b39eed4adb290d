import { describe, expect, it } from 'vitest';
import { SPECIAL as KEY } from '../encodings.js';
import { errorWith, REDACTED, redacted, redactValue, scrub, scrubbed, scrubbedOnError } from '../helpers.js';
import { allLeaks } from '../leaks.js';
import { photograph } from '../snapshot.js';

describe('an object that several others hold', () => {
  it('is replaced in each of them', () => {
    const shared = { key: KEY };
    const copy = redacted({ one: { shared }, two: [shared], three: new Map([['shared', shared]]) });
    expect(copy.one.shared).toEqual({ key: REDACTED });
    expect(copy.two[0]).toBe(copy.one.shared);
    expect(copy.three.get('shared')).toBe(copy.one.shared);
  });

  it('at several depths is replaced at each', () => {
    const shared = { deep: { deeper: { key: KEY } } };
    const copy = redacted({ far: [[[shared]]], near: shared, middle: { shared } });
    expect(copy.far[0]?.[0]?.[0]).toBe(copy.near);
    expect(copy.middle.shared).toBe(copy.near);
  });
});

describe('an error of the chain that hangs elsewhere too', () => {
  it('leaves what holds it there as it is, being cleaned where it is', () => {
    const error = new Error(KEY);
    const extra = { list: [error] };
    const left = scrubbed(Object.assign(error, { extra }));
    expect(left).toBe(error);
    expect(left.extra).toBe(extra);
  });

  it('leaves that as it is, also when the key is found on it last of all', () => {
    const error = Object.assign(new Error('failed'), { list: [] as Error[], extra: { deep: [KEY] } });
    const { list } = error;
    list.push(error);
    const left = scrubbed(error);
    expect(left.list).toBe(list);
    expect(left.extra).toEqual({ deep: [REDACTED] });
  });

  it('as a copy is one copy everywhere', () => {
    const cause = Object.freeze(new Error(KEY));
    const top = Object.assign(new Error('top', { cause }), { extra: { cause } });
    const left = scrubbed(top);
    expect(left).toBe(top);
    expect(left.extra.cause).toBe(left.cause);
  });
});

describe('an error that is not of the chain', () => {
  const hidden = (): Error => new Error(`failed with ${KEY}`);

  it.each<[string, (error: Error) => object]>([
    ['a list of another name', (error) => [error]],
    ['a Map', (error) => new Map([['error', error]])],
    ['the keys of a Map', (error) => new Map([[error, 1]])],
    ['a Set', (error) => new Set([error])],
    ['a live object', (error) => ({ pipe: () => 0, data: error, inner: Object.create({ data: error }) as object })],
    ['a stream', (error) => Object.create({ pipe: () => 0, data: error }) as object],
    ['the prototype of an object', (error) => Object.create({ data: error }) as object],
    ['a property of a Date', (error) => Object.assign(new Date(0), { error })],
    ['an object with a list of errors', (error) => ({ errors: [error] })],
    ['an object with a cause', (error) => ({ cause: error })],
  ])('is not changed in %s', (_name, make) => {
    scrubbedOnError(make(hidden()));
    redacted(make(hidden()));
  });

  it('is not changed in a property of the error that is a list', () => {
    const inner = hidden();
    const changes = photograph(inner);
    const left = scrubbed(Object.assign(new Error('top'), { attempts: [inner], last: inner }));
    expect(changes()).toEqual([]);
    expect(left.attempts[0]).not.toBe(inner);
    expect(left.last.message).toBe(`failed with ${REDACTED}`);
  });
});

describe('a list of errors', () => {
  it('may hold what is no error', () => {
    const clean = Object.freeze(new AggregateError(['a text', 401, null, undefined, { status: 401 }], 'all failed'));
    expect(scrub(clean, [KEY])).toBe(clean);
    const held = { key: KEY };
    const left = scrubbed(new AggregateError([KEY, held], 'all failed'));
    expect(left.errors).toEqual([REDACTED, { key: REDACTED }]);
    expect(held.key).toBe(KEY);
  });

  it('that is no list is searched as what it is', () => {
    const errors = { length: 1, 0: new Error(KEY) };
    const left = scrubbed(Object.assign(new Error('failed'), { errors }));
    expect(left.errors[0].message).toBe(REDACTED);
    expect(errors[0].message).toBe(KEY);
  });
});

describe('a function', () => {
  it('is not asked what its getters give: it gives way to a description', () => {
    let asked = 0;
    const call = Object.defineProperty(() => 0, 'key', { get: () => (asked += 1), enumerable: true });
    const left = scrub(errorWith({ call }), [KEY]) as { extra: object };
    expect(left.extra).toEqual({ call: { description: '[Function: not searched]' } });
    expect(asked).toBe(0);
  });

  it('that carries no key stays, whatever else it carries', () => {
    const value = { call: Object.assign(() => 0, { base: 'USD', list: [1] }) };
    expect(redactValue(value, [KEY])).toBe(value);
  });
});

describe('a list of byte values', () => {
  const codes = (text: string): number[] => [...Buffer.from(text, 'latin1')];

  it('that spells the key gives way to a mark', () => {
    expect(redactValue({ type: 'Buffer', data: codes(`a ${KEY} b`) }, [KEY])).toEqual({
      type: 'Buffer',
      data: REDACTED,
    });
    expect(redactValue([codes('abcdefgh')], ['abcdefgh'])).toEqual([REDACTED]);
    expect(redactValue([[0, ...codes(KEY), 255]], [KEY])).toEqual([REDACTED]);
  });

  it('that spells something else stays', () => {
    const list = [codes('something else'), codes(`${KEY.slice(1)}.`), [], [1]];
    expect(redactValue(list, [KEY])).toBe(list);
  });

  it.each([256, -1, 0.5, Number.NaN, '1'])('is none with %s in it', (other) => {
    const list = [other, ...codes(KEY)];
    expect(redactValue(list, [KEY])).toBe(list);
  });
});

describe('bytes', () => {
  const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

  it('of two to a number are filled up to a whole number', () => {
    const copy = redacted(new Uint16Array(bytes(`${KEY}x`).buffer));
    expect(Buffer.from(copy.buffer).toString('latin1')).toBe(`${REDACTED}x\0`);
  });

  it('in plain memory, or a view of it, are copied into plain memory of their own', () => {
    const copy = redacted(bytes(`a ${KEY}`).buffer);
    expect(Buffer.from(copy).toString('latin1')).toBe(`a ${REDACTED}`);
    const view = redacted(new DataView(bytes(`a ${KEY}`).buffer));
    expect(Buffer.from(view.buffer).toString('latin1')).toBe(`a ${REDACTED}`);
  });

  it('lose a property that is named by a symbol', () => {
    expect(redacted(Object.assign(Buffer.from('gold'), { [Symbol('k')]: KEY }))).toEqual(Buffer.from('gold'));
  });
});

describe('a text in an object of its own', () => {
  it('that spells a URL stays a text', () => {
    expect(redacted(new String(`http://h/?k=${KEY}`))).toBe(`http://h/?k=${REDACTED}`);
  });

  it('becomes of a URL that is none without the key', () => {
    const url = new URL('http://abcdefgh12345678/p');
    expect(redactValue({ url }, ['abcdefgh12345678'])).toEqual({ url: `http://${REDACTED}/p` });
  });
});

describe('a property that is inherited', () => {
  it('holds no key unseen, be it named `constructor`', () => {
    const copy = redacted(Object.create({ constructor: { name: KEY } }) as object);
    expect(allLeaks(copy, KEY)).toEqual([]);
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
  });
});
