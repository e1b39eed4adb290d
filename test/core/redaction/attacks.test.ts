import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { GoneKeys } from '../../../src/core/redaction/gone-keys.js';
import { encoders, PLAIN as KEY } from './encodings.js';
import { errorWith, NOT_SEARCHED, REDACTED, redactValue, scrub } from './helpers.js';
import { allLeaks } from './leaks.js';

const endlessProto = (): object =>
  new Proxy({}, { getPrototypeOf: () => endlessProto(), get: () => KEY, ownKeys: () => [KEY] });
const growing = (): Map<unknown, unknown> => {
  const map = new Map<unknown, unknown>();
  const add = (): object => ({
    get on() {
      map.set(map.size, add());
      return KEY;
    },
  });
  return map.set(0, Object.create(add()));
};

/** What may be thrown at a search; each with a key that must not come through. */
const attacks: Record<string, () => unknown> = {
  'prototypes that never end': () => Object.assign(Object.create(endlessProto()) as object, { key: KEY }),
  'an error whose prototypes never end': () => Object.setPrototypeOf(new Error(KEY), endlessProto()) as Error,
  'a thousand prototypes': () => {
    let proto: object = { key: KEY };
    for (let level = 0; level < 1_000; level++) proto = Object.create(proto) as object;
    return proto;
  },
  'a class in a chain of fifty': () => {
    let type = class extends Error {};
    for (let level = 0; level < 50; level++) type = class extends type {};
    return new type(KEY);
  },
  'a Map that grows while it is read': growing,
  'getters that redact': () => ({
    get key() {
      return redactValue({ other: KEY, list: ['nothing', KEY] }, [KEY]).other + KEY;
    },
    toJSON() {
      return `${redactValue(`text with ${KEY}`, [KEY])} ${KEY}`;
    },
  }),
  'getters that change what is read': () => {
    const value: Record<string, unknown> = {
      get first() {
        delete value['second'];
        value['third'] = { key: KEY };
        return KEY;
      },
      second: KEY,
      third: 1,
    };
    return value;
  },
  'a getter that throws the key': () => ({
    get bad() {
      throw new Error(KEY);
    },
    key: KEY,
  }),
  'a property called __proto__': () => JSON.parse(`{"__proto__":{"key":"${KEY}"},"constructor":"${KEY}"}`) as object,
  'names that are the mark': () => ({ [REDACTED]: 1, [`${REDACTED} 2`]: 2, [KEY]: 3, [`%${'30'}${KEY.slice(1)}`]: 4 }),
  'a list of errors that is a proxy': () => Object.assign(new AggregateError([]), { errors: new Proxy([new Error(KEY)], {}) }),
  'a cause that is a getter': () => Object.defineProperty(new Error('top'), 'cause', { get: () => new Error(KEY), enumerable: true }),
  'a cause that is itself': () => {
    const error = new Error(KEY);
    return Object.assign(error, { cause: error, errors: [error, error] });
  },
  'a stack that is a list': () => Object.assign(new Error('no'), { stack: [KEY, { key: KEY }] }),
  'a stack that throws': () =>
    Object.defineProperty(new Error(KEY), 'stack', {
      get: () => {
        throw new Error(KEY);
      },
    }),
  'a message that is no text': () => Object.assign(new Error('no'), { message: { toString: () => KEY }, name: Symbol(KEY) }),
  'a class that lies about what it is': () =>
    new (class {
      static [Symbol.hasInstance]() {
        throw new Error(KEY);
      }
      readonly key = KEY;
      get [Symbol.toStringTag]() {
        return 'Headers';
      }
      *[Symbol.iterator]() {
        for (;;) yield [KEY, KEY];
      }
    })(),
  'a list with a class of its own species': () =>
    Object.assign(
      new (class extends Array<string> {
        static override get [Symbol.species](): ArrayConstructor {
          throw new Error(KEY);
        }
      })(),
      [KEY],
    ),
  'a list with a getter for a place': () => Object.defineProperty([1, 2, 3], 1, { get: () => KEY, enumerable: true }),
  'a sealed list': () => Object.seal([KEY, [KEY]]),
  'arguments': () => (function (..._args: string[]) { return arguments as object; })(KEY, KEY),
  'memory that is shared': () => {
    const shared = new Uint8Array(new SharedArrayBuffer(64));
    shared.set(Buffer.from(KEY));
    return { shared, whole: shared.buffer };
  },
  'memory as numbers of eight bytes': () => new BigInt64Array(new Uint8Array([...Buffer.from(KEY), ...new Uint8Array(12)]).buffer),
  'memory as fractions': () => new Float64Array(new Uint8Array([...Buffer.from(KEY), ...new Uint8Array(12)]).buffer),
  'a registered symbol': () => ({ [Symbol.for(KEY)]: Symbol.for(KEY) }),
  'a weak reference': () => new WeakRef({ key: KEY }),
  'an object of another realm with printers': () => runInNewContext('({ toJSON: () => key, toString: () => key })', { key: KEY }) as object,
  'an error of another realm': () => runInNewContext('new TypeError(key, { cause: { key } })', { key: KEY }) as object,
  'a name of 100,000 characters': () => ({ ['x'.repeat(50_000) + KEY + 'y'.repeat(50_000)]: KEY }),
  'a printer that prints for ever': () => {
    const value: { toJSON: () => unknown } = { toJSON: () => ({ value, key: KEY, next: Object.create(value) as object }) };
    return value;
  },
  'a printer that changes its mind': () => {
    let calls = 0;
    return { toJSON: () => (calls++ > 0 ? KEY : 'nothing'), key: KEY };
  },
}; // prettier-ignore

const shown = (value: unknown): string => {
  let text = inspect(value, { depth: 10, maxStringLength: null });
  try {
    text += String(JSON.stringify(value)) + String(value);
  } catch (error) {
    text += String(error);
  }
  return text;
};

describe.each(Object.entries(attacks))('%s', (_name, make) => {
  it('does no harm, and lets no key through', () => {
    for (const run of [
      () => redactValue(make(), [KEY]),
      () => redactValue([make()], [KEY]),
      () => scrub(make(), [KEY]),
      () => scrub(errorWith(make()), [KEY]),
      () => scrub(new Error('top', { cause: make() }), [KEY]),
    ]) {
      const left = run();
      expect(allLeaks(left, KEY)).toEqual([]);
      expect(shown(left)).not.toContain(KEY);
    }
  });
});

describe.each<[string, string]>([
  ['percent signs', '%25%41%%zz%2'],
  ['nothing but percent signs', '%'.repeat(12)],
  ['backslashes', 'a\\u0041\\\\n\\x'],
  ['nothing but backslashes', '\\'.repeat(9)],
  ['quotes', `'"'"'"\`\`"'`],
  ['digits', '31415926535'],
  ['eight characters', 'aZ3$%&_-'],
  ['eight equal characters', 'aaaaaaaa'],
  ['the mark itself', REDACTED],
  ['the other mark itself', NOT_SEARCHED.replaceAll(' ', '_')],
  ['separators', ':,-.;|:,-.;|'],
  ['base64', Buffer.from('a text in base64').toString('base64')],
  ['hex', Buffer.from('a text in hex').toString('hex')],
  ['a list of bytes', '97,32,116,101,120,116'],
  ['4,096 characters', Array.from({ length: 4_096 }, (_none, index) => String.fromCharCode(33 + ((index * index * 7) % 94))).join('')],
])('a key of %s', (_name, key) => {
  it('is removed in every encoding, held or gone', { timeout: 120_000 }, () => {
    const gone = new GoneKeys();
    gone.add(Buffer.from(key));
    for (const [name, encode] of Object.entries(encoders)) {
      const encoded = encode(key);
      expect(redactValue(`a <${encoded}> b`, [key]), name).toContain('[REDACTED');
      if (name.startsWith('JSON-escaped as') || name === 'JSON-escaped with \\/') continue;
      expect(redactValue(`a <${encoded}> b`, [], gone.list()), `${name}, gone`).toContain('[REDACTED');
    }
    expect(redactValue(`a <${key.slice(0, -1)}> b`, [key])).not.toContain(key);
  });
}); // prettier-ignore
