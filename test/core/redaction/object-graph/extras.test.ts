import { Headers as UndiciHeaders } from 'undici';
import { describe, expect, it } from 'vitest';
import { SPECIAL as KEY } from '../encodings.js';
import { REDACTED, redacted, redactValue, scrubbedOnError } from '../helpers.js';
import { photograph } from '../snapshot.js';

class Registry extends Map<string, string> {
  readonly #key: string;
  constructor(key: string) {
    super([['base', 'USD']]);
    this.#key = key;
  }
  get key(): string {
    return this.#key;
  }
}

class Tags extends Set<string> {
  readonly #key: string;
  constructor(key: string) {
    super(['gold']);
    this.#key = key;
  }
  get key(): string {
    return this.#key;
  }
}

class Bytes extends Array<number> {
  readonly #key = KEY;
  get key(): string {
    return this.#key;
  }
}

class Due extends Date {
  readonly url: string;
  constructor(url: string) {
    super(1_000);
    this.url = url;
  }
}

class AuthHeaders extends Headers {
  readonly token: string;
  constructor(token: string) {
    super({ accept: 'text/plain' });
    this.token = token;
  }
}

class Base {
  static key = KEY;
  readonly url = '/p';
}
class Derived extends Base {}
class Middle extends Derived {}

const wide = (text: string): Buffer => Buffer.from(text, 'utf16le');
const eight = (): number[] => [1, 2, 3, 4, 5, 6, 7, 8];
const holed = (): unknown[] => Object.assign([], { 0: 1, 9: 2 });

/** What holds something of its own kind, and on it a property that holds `extra`. */
const values: Record<string, (extra: unknown) => object> = {
  'a list of bytes': (extra) => Object.assign(eight(), { extra }),
  'a list with holes': (extra) => Object.assign(holed(), { extra }),
  'a list of nothing but holes': (extra) => Object.assign(Array.from({ length: 0 }), { length: 9 }, { extra }),
  'an ArrayBuffer': (extra) => Object.assign(new ArrayBuffer(8), { extra }),
  'a DataView': (extra) => Object.assign(new DataView(new ArrayBuffer(8)), { extra }),
  'a Buffer': (extra) => Object.assign(Buffer.from('gold'), { extra }),
  'a Uint8Array of 4,096 bytes': (extra) => Object.assign(new Uint8Array(4_096), { extra }),
  'a String object': (extra) => Object.assign(new String('gold'), { extra }),
  'a Number object': (extra) => Object.assign(Object(7) as object, { extra }),
  'a RegExp': (extra) => Object.assign(/gold/g, { extra }),
  'a Date': (extra) => Object.assign(new Date(1_000), { extra }),
  'a Date with a number for a name': (extra) => Object.assign(new Date(1_000), { 0: extra }),
  'a Date with a length': (extra) => Object.assign(new Date(1_000), { length: 5_000, extra }),
  'a String object, behind its last letter': (extra) => Object.assign(new String('gold'), { 4: extra }),
  'a String object, before its first letter': (extra) => Object.assign(new String('gold'), { '-1': extra }),
  'a DataView with a length': (extra) => Object.assign(new DataView(new ArrayBuffer(8)), { length: 1, 0: extra }),
  'an ArrayBuffer with a length': (extra) => Object.assign(new ArrayBuffer(8), { length: 1, 0: extra }),
  'a RegExp with a length': (extra) => Object.assign(/gold/g, { length: 1, 0: extra }),
  'a URL': (extra) => Object.assign(new URL('http://h/p?base=USD'), { extra }),
  'a URLSearchParams': (extra) => Object.assign(new URLSearchParams('base=USD'), { extra }),
  'a Headers': (extra) => Object.assign(new Headers({ accept: 'text/plain' }), { extra }),
  'undici Headers': (extra) => Object.assign(new UndiciHeaders({ accept: 'text/plain' }), { extra }),
  'a Map': (extra) => Object.assign(new Map([['base', 'USD']]), { extra }),
  'a Set': (extra) => Object.assign(new Set(['gold']), { extra }),
};

describe.each(Object.entries(values))('a property of %s', (_name, make) => {
  it('that holds the key does not get out', () => {
    scrubbedOnError(make(KEY));
    redacted(make(KEY));
  });

  it('that holds an object with the key does not get out', () => {
    scrubbedOnError(make({ deep: [KEY] }));
    redacted(make({ deep: [KEY] }));
  });

  it('that is named like the key does not get out', () => {
    redacted(Object.assign(make(1), { [KEY]: 1 }));
  });

  it('that holds no key leaves the value as it is', () => {
    const value = make({ note: 'none' });
    const changes = photograph(value);
    expect(redactValue(value, [KEY])).toBe(value);
    const error = scrubbedOnError({ value, note: KEY });
    expect(error.value).toBe(value);
    expect(changes()).toEqual([]);
  });

  it('that is a symbol is searched as any other', () => {
    redacted(Object.assign(make(1), { [Symbol('note')]: KEY }));
    const value = Object.assign(make(1), { [Symbol('note')]: 'none' });
    expect(redactValue(value, [KEY])).toBe(value);
  });
});

describe('the copy of a value with a property that holds the key', () => {
  const copyOf = (name: keyof typeof values): unknown => redacted(values[name]?.(KEY));

  it('is of its kind and has its content', () => {
    expect(copyOf('a Date')).toEqual(new Date(1_000));
    expect(copyOf('a URL')).toEqual(new URL('http://h/p?base=USD'));
    expect([...(copyOf('a URLSearchParams') as URLSearchParams)]).toEqual([['base', 'USD']]);
    expect([...(copyOf('a Headers') as Headers)]).toEqual([['accept', 'text/plain']]);
    expect(copyOf('a Headers')).toBeInstanceOf(Headers);
    expect(copyOf('undici Headers')).toBeInstanceOf(UndiciHeaders);
    expect(copyOf('a Buffer')).toEqual(Buffer.from('gold'));
    expect(copyOf('an ArrayBuffer')).toEqual(new ArrayBuffer(8));
    expect(copyOf('a list of bytes')).toEqual(Object.assign(eight(), { extra: REDACTED }));
    expect(copyOf('a list with holes')).toEqual(Object.assign(holed(), { extra: REDACTED }));
  });

  it('is the text of a String object or a RegExp', () => {
    expect(copyOf('a String object')).toBe('gold');
    expect(copyOf('a Number object')).toBe('7');
    expect(copyOf('a RegExp')).toBe('/gold/g');
  });

  it('is clean where the value itself holds the key too', () => {
    expect(redacted(Object.assign(new String(`a ${KEY}`), { extra: KEY }))).toBe(`a ${REDACTED}`);
    const url = redacted(Object.assign(new URL(`http://h/?k=${encodeURIComponent(KEY)}`), { extra: KEY }));
    expect(url).toEqual(new URL(`http://h/?k=${REDACTED}`));
    expect(redacted(Object.assign(Buffer.from(`a ${KEY}`), { extra: KEY }))).toEqual(Buffer.from(`a ${REDACTED}`));
  });

  it('of a class that extends Headers or Date is what that extends, and runs no constructor of it', () => {
    const headers = redacted(new AuthHeaders(KEY));
    expect([...headers]).toEqual([['accept', 'text/plain']]);
    expect(Object.getPrototypeOf(headers)).toBe(Headers.prototype);
    expect(redacted(new Due(`/p?k=${KEY}`))).toEqual(new Date(1_000));
  });
});

describe('what a class adds to a built-in one', () => {
  it('is read for the key in a Map, a Set and an array', () => {
    const map = redacted(new Registry(KEY));
    expect([...map]).toEqual([['base', 'USD']]);
    expect(map.key).toBe(REDACTED);
    const set = redacted(new Tags(KEY));
    expect([...set]).toEqual(['gold']);
    expect(set.key).toBe(REDACTED);
    expect(redacted(Bytes.from(eight()) as Bytes).key).toBe(REDACTED);
    scrubbedOnError({ map: new Registry(KEY), set: new Tags(KEY), list: Bytes.from(eight()) });
  });

  it('and holds no key leaves it as it is', () => {
    const clean = { map: new Registry('none'), set: new Tags('none') };
    expect(redactValue(clean, [KEY])).toBe(clean);
  });
});

describe('a function', () => {
  it('that is named like the key gives way to a description', () => {
    const renamed = redacted({ note: Object.defineProperty(() => 0, 'name', { value: KEY }) });
    expect(renamed.note).toEqual({ description: '[Function: not searched]' });
    redacted({ [KEY]: () => 0 });
  });

  it('that inherits the key from a class further up gives way too', () => {
    redacted({ type: Derived });
    redacted({ type: Middle });
    scrubbedOnError({ type: Middle });
  });

  it('that holds no key stays, with the class it extends', () => {
    class Clean {
      static base = 'USD';
      readonly url = '/p';
    }
    class Cleaner extends Clean {}
    const value = { type: Cleaner, call: () => 0 };
    expect(redactValue(value, [KEY])).toBe(value);
  });
});

describe('bytes that hold the key two bytes to a character', () => {
  it('give way to a mark, also when they hold it elsewhere one byte to a character', () => {
    expect(redacted(wide(`a ${KEY}`))).toBe(REDACTED);
    expect(redacted(Buffer.concat([wide(KEY), Buffer.from(KEY)]))).toBe(REDACTED);
  });

  it('give way to a mark, also when a property hangs on them', () => {
    expect(redacted(Object.assign(wide(KEY), { note: 'none' }))).toBe(REDACTED);
    expect(redacted(Object.assign(wide(KEY), { note: KEY }))).toBe(REDACTED);
  });
});
