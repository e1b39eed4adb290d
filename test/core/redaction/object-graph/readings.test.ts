import { inspect } from 'node:util';
import { runInNewContext, runInThisContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { PLAIN, SPECIAL as KEY } from '../encodings.js';
import { errorWith, NOT_SEARCHED, REDACTED, redacted, redactValue, scrub } from '../helpers.js';
import { photograph } from '../snapshot.js';

describe('a getter that throws', () => {
  /** An object with a getter that throws, and what stands there after a search. */
  const read = (thrown: unknown): unknown => {
    const get = (): never => {
      throw thrown;
    };
    const copy = redactValue(Object.defineProperty({ key: KEY }, 'bad', { get, enumerable: true }), [KEY]) as { bad?: unknown };
    expect(copy).toHaveProperty('key', REDACTED);
    return Object.getOwnPropertyDescriptor(copy, 'bad')?.value;
  }; // prettier-ignore

  it.each<[string, unknown]>([
    ['as a text', `no ${KEY}`],
    ['in its message', new Error(`no ${KEY}`)],
    ['in the message of what has no stack', { message: `no ${KEY}` }],
    ['in the stack alone', { message: 'no', stack: `at ${KEY}` }],
    ['in the stack of what has no message', { stack: `at ${KEY}` }],
  ])('the key gives way to a mark: %s', (_name, thrown) => {
    expect(read(thrown)).toBe(NOT_SEARCHED);
  });

  it.each<[string, unknown]>([
    ['an error', new Error('no')],
    ['an object', {}],
    ['an object with numbers', { message: 1, stack: 2 }],
    ['a text', 'no'],
    ['nothing', undefined],
    ['null', null],
  ])('something else gives way to nothing: %s', (_name, thrown) => {
    expect(read(thrown)).toBeUndefined();
  });

  it('does not end the search: one that takes a property away neither', () => {
    const value: Record<string, unknown> = {
      get first() {
        delete value['second'];
        return 'USD';
      },
      second: 1,
      third: KEY,
    };
    expect(redactValue(value, [KEY])).toEqual({ first: 'USD', third: REDACTED });
    const proto: Record<string, unknown> = {
      key: KEY,
      get base() {
        delete proto['key'];
        return 'USD';
      },
    };
    expect(redactValue(Object.create(proto) as object, [KEY])).toMatchObject({ key: REDACTED, base: 'USD' });
  });
});

describe('an error of the chain', () => {
  it('is not reached by a getter, which may return another one the next time', () => {
    const [cause, one] = [new Error(`no ${KEY}`), new Error(`nor ${KEY}`)];
    const changes = photograph([cause, one]);
    const error = new Error('failed');
    Object.defineProperty(error, 'cause', { get: () => cause, configurable: true });
    Object.defineProperty(error, 'errors', { get: () => [one], configurable: true });
    const left = scrub(error, [KEY]) as AggregateError;
    expect(left).toBe(error);
    expect(changes()).toEqual([]);
    expect((left.cause as Error).message).toBe(`no ${REDACTED}`);
    expect((left.errors[0] as Error).message).toBe(`nor ${REDACTED}`);
  });

  it('is not reached through a list that is a proxy, of which no trap is sprung', () => {
    const sprung: PropertyKey[] = [];
    const one = new Error(`no ${KEY}`);
    const errors = new Proxy([one], { get: (target, name) => (sprung.push(name), Reflect.get(target, name) as unknown) });
    const error = Object.assign(new AggregateError([], 'failed'), { errors });
    expect(scrub(error, [KEY])).toBe(error);
    expect(sprung).toEqual([]);
    expect(one.message).toBe(`no ${KEY}`);
    expect(error.errors).toEqual({ description: '[Proxy: not searched]' });
  }); // prettier-ignore

  it('may have a text, or a Set, where others have a list of errors', () => {
    const one = new Error(`no ${KEY}`);
    for (const errors of ['many', new Set([one])]) {
      const error = Object.assign(new Error(`failed with ${KEY}`), { errors });
      expect(scrub(error, [KEY])).toBe(error);
      expect(error.message).toBe(`failed with ${REDACTED}`);
      expect(one.message).toBe(`no ${KEY}`);
    }
  });

  it('with a name of its own before that of its class stays the same', () => {
    const error = Object.assign(new TypeError('failed'), { name: `Error of ${KEY}` });
    expect(scrub(error, [KEY])).toBe(error);
    expect(error.name).toBe(`Error of ${REDACTED}`);
    expect(error).toBeInstanceOf(TypeError);
  });

  it('is searched although it carries the characters of a key', () => {
    const error = Object.assign(new Error(`failed with ${KEY}`), { ...[...KEY] });
    expect(scrub(error, [KEY])).toBe(error);
    expect(error.message).toBe(`failed with ${REDACTED}`);
  });
});

describe('an error of the chain that cannot be changed', () => {
  class Telling extends Error {
    toJSON(): object {
      return { key: KEY };
    }
  }
  const fixed = <T extends Error>(error: T): T => Object.defineProperty(error, 'fixed', { value: KEY });

  it.each<[string, () => Error]>([
    ['a method of its own, and it is frozen', () => Object.freeze(Object.assign(new Error(KEY), { toJSON: () => ({ key: KEY }) }))],
    ['a method of its class, and it is frozen', () => Object.freeze(new Telling(KEY))],
    ['a method of its class, and one property is fixed', () => fixed(new Telling('failed'))],
  ])('tells no key as a copy when it prints one by %s', (_name, make) => {
    const left = scrub(make(), [KEY]);
    expect(left).toBeInstanceOf(Error);
    expect(JSON.parse(JSON.stringify(left))).toEqual({ key: REDACTED });
    const top = new Error('top', { cause: make() });
    expect(scrub(top, [KEY])).toBe(top);
    expect(JSON.parse(JSON.stringify(top.cause))).toEqual({ key: REDACTED });
    const list = scrub(new AggregateError([Object.freeze(new Error('middle', { cause: make() }))]), [KEY]) as AggregateError;
    expect(JSON.parse(JSON.stringify((list.errors[0] as Error).cause))).toEqual({ key: REDACTED });
  }); // prettier-ignore

  it('is asked once what it prints', () => {
    let asked = 0;
    const toJSON = (): string => `gold ${(asked += 1)}`;
    scrub(Object.freeze(Object.assign(new Error(KEY), { toJSON })), [KEY]);
    expect(asked).toBe(1);
  });
});

describe('an error that the method of another one prints', () => {
  it('is not changed', () => {
    const inner = new Error(`no ${KEY}`);
    const error = Object.assign(new Error('failed'), { toJSON: () => inner });
    expect(scrub(error, [KEY])).toBe(error);
    expect(inner.message).toBe(`no ${KEY}`);
    expect((error.toJSON() as Error).message).toBe(`no ${REDACTED}`);
  });
});

describe('a name that is inherited', () => {
  it('is not left when it is the key', () => {
    const copy = redacted({ value: Object.create({ [KEY]: 1, base: 'USD' }) as object }).value;
    const names: string[] = [];
    for (const name in copy) names.push(name);
    expect(names).not.toContain(KEY);
    expect(copy).toHaveProperty([REDACTED], 1);
  });
});

describe('the characters of a key', () => {
  it.each<[string, () => object]>([
    ['a Map', () => new Map([[1, 2]])],
    ['a Set', () => new Set([1])],
    ['a function', () => () => 0],
    ['an error', () => new Error('failed')],
    ['an object of a class', () => Object.create({ base: 'USD' }) as object],
  ])('give way to a mark on %s', (_name, make) => {
    expect(redactValue([Object.assign(make(), { ...[...KEY] })], [KEY])).toEqual([REDACTED]);
    const clean = Object.assign(make(), { ...[...'another text'] });
    expect(redactValue(clean, [KEY])).toBe(clean);
  });
});

describe('the copy of an error', () => {
  it('tells nothing where a getter of its class told nothing', () => {
    class Failure extends Error {
      readonly #retryAfter = undefined;
      get retryAfter(): number | undefined {
        return this.#retryAfter;
      }
    }
    const copy = redacted(new Failure(`failed with ${KEY}`));
    expect(copy.retryAfter).toBeUndefined();
  });
});

describe('a function', () => {
  it('stays, whatever the instances of its class are', () => {
    class Source {
      on(): void {}
      emit(): void {}
    }
    class Feed extends Source {}
    const value = { type: Feed };
    expect(redactValue(value, [KEY])).toBe(value);
  }); // prettier-ignore

  it('that is asynchronous, or makes an iterator, or has no prototype, stays', () => {
    const value = [async () => 0, function* () {}, async function* () {}, Object.setPrototypeOf(() => 0, null) as object];
    expect(redactValue(value, [KEY])).toBe(value);
  }); // prettier-ignore

  it('that is running stays, whatever it was called with, and by whatever', () => {
    type Call = (run: (self: unknown) => void, key?: string) => void;
    const inner = runInThisContext('(function inner(run) { run(inner); })') as Call;
    const outer = runInThisContext('(function outer(inner, run) { inner(run, outer.key); })') as (inner: Call, run: (self: unknown) => void) => void;
    let left: unknown;
    Object.assign(outer, { key: KEY });
    outer(inner, (self) => void (left = redactValue({ self }, [KEY]).self));
    expect(left).toBe(inner);
  }); // prettier-ignore

  it.each(['length', 'name'])('whose %s is the key gives way to a description', (name) => {
    const call = Object.defineProperty(() => 0, name, { value: KEY });
    expect(redactValue({ call }, [KEY]).call).toEqual({ description: '[Function: not searched]' });
  });
});

describe('a class that tells a key when it is printed', () => {
  const INSPECT = inspect.custom;
  const told = { toJSON: () => PLAIN, toString: () => PLAIN, valueOf: () => PLAIN, [INSPECT]: () => PLAIN, [Symbol.toPrimitive]: () => PLAIN };
  const shown = (value: object): string => `${inspect(value)}${JSON.stringify(value)}${String(value)}${String(value.valueOf())}`;

  it.each<[string, () => object]>([
    ['a Date', () => new (class extends Date {})(0)],
    ['a URL', () => new (class extends URL {})('http://h/p')],
    ['URLSearchParams', () => new (class extends URLSearchParams {})('a=b')],
    ['Headers', () => new (class extends Headers {})({ a: 'b' })],
    ['bytes', () => new (class extends Uint8Array {})(8)],
    ['a text in an object', () => new (class extends String {})('gold')],
    ['a RegExp', () => new (class extends RegExp {})('gold')],
  ])('is not left where it extends %s', (_name, make) => {
    for (const name of Reflect.ownKeys(told) as Array<keyof typeof told>) {
      const value = make();
      Object.defineProperty(Object.getPrototypeOf(value), name, { value: told[name], configurable: true });
      expect(shown(value)).toContain(PLAIN);
      expect(shown(redactValue({ value }, [PLAIN]).value)).not.toContain(PLAIN);
      expect(shown((scrub(errorWith(value), [PLAIN]) as { extra: object }).extra)).not.toContain(PLAIN);
    }
  });

  it('stays where it tells none, and where it is of another realm, however large', () => {
    class Due extends Date {
      override toJSON(): string {
        return 'soon';
      }
    }
    const bare = Object.setPrototypeOf(new Date(0), null) as object;
    const value = { due: new Due(0), bare, bytes: runInNewContext('new Uint8Array(600_000)') as object };
    expect(redactValue(value, [PLAIN])).toBe(value);
  });
}); // prettier-ignore

describe('a value that says something else of itself than what is printed of it', () => {
  const saying = <T extends object>(value: T, name: PropertyKey, told: unknown): T =>
    Object.defineProperty(value, name, { value: () => told });

  it.each<[string, object]>([
    ['a URL', saying(new URL(`http://h/?k=${PLAIN}`), 'toString', 'http://h/')],
    ['URLSearchParams', saying(new URLSearchParams({ k: PLAIN }), Symbol.iterator, [].values())],
    ['a text in an object', saying(new String(PLAIN), 'toString', 'gold')],
    ['a text in an object with another value', saying(new String(PLAIN), Symbol.toPrimitive, 'gold')],
    ['a RegExp', saying(new RegExp(PLAIN), 'toString', '/gold/')],
  ])('does not get out: %s', (_name, value) => {
    expect(inspect(value)).toContain(PLAIN);
    expect(inspect(redactValue({ value }, [PLAIN]))).not.toContain(PLAIN);
    expect(inspect(scrub(errorWith(value), [PLAIN]))).not.toContain(PLAIN);
  });
});

describe('a list', () => {
  it('of 10,000 items is searched, and one more is not', () => {
    const list = (length: number): string[] => Array.from({ length }, () => 'gold');
    expect(redactValue([...list(9_999), KEY], [KEY])).toEqual([...list(9_999), REDACTED]);
    const fits = Object.assign(list(9_999), { base: 'USD' });
    expect(redactValue(fits, [KEY])).toBe(fits);
    expect(redactValue<unknown>(list(10_001), [KEY])).toBe(NOT_SEARCHED);
    expect(redactValue<unknown>(Object.assign(list(10_000), { base: 'USD' }), [KEY])).toBe(NOT_SEARCHED);
  });
});

describe('an object of another realm', () => {
  it('is not taken for more than it is: what all objects have there is none of it', () => {
    const value = runInNewContext('({ base: "USD" })') as object;
    expect(redactValue(value, [KEY])).toBe(value);
    const found = runInNewContext('({ base: "USD", key })', { key: KEY }) as object;
    expect(redactValue(found, [KEY])).toEqual({ base: 'USD', key: REDACTED });
  });
});
