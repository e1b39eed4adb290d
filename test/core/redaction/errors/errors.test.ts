import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { isGoldKeyError, KeyProviderError } from '../../../../src/core/index.js';
import { PLAIN, SPECIAL } from '../encodings.js';
import { errorWith, REDACTED, scrub, scrubbed } from '../helpers.js';
import { allLeaks } from '../leaks.js';
import { errors, photograph } from '../snapshot.js';

class HttpError extends Error {
  readonly status: number;
  constructor(message: string, status: number, options?: ErrorOptions) {
    super(message, options);
    this.name = 'HttpError';
    this.status = status;
  }
}

const failure = (key = SPECIAL): HttpError => new HttpError(`GET /p?access_key=${key}&base=USD failed`, 503);

describe('an error', () => {
  it.each(['KeyError-0123456789abcdef', 'ProviderError/0123456789'])(
    'of goldkey stays one, and the same, with a key that begins as the name of its class ends: %s',
    (key) => {
      const thrown = new KeyProviderError(`The answer was ${key}.`, { retryable: true });
      const left = scrub(thrown, [key]) as KeyProviderError;

      expect(left).toBe(thrown);
      expect(isGoldKeyError(left, 'ERR_GOLDKEY_PROVIDER')).toBe(true);
      expect(left.message).toBe(`The answer was ${REDACTED}.`);
    },
  );

  it('of goldkey that hangs elsewhere keeps its code in the copy, with such a key too', () => {
    const elsewhere = new KeyProviderError('The answer was PROVIDER/0123456789.');
    const left = scrub(errorWith({ last: elsewhere }), ['PROVIDER/0123456789']) as { extra?: { last?: unknown } };

    expect(left.extra?.last).not.toBe(elsewhere);
    expect(left.extra?.last).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', message: `The answer was ${REDACTED}.` });
  });

  it('keeps no code that holds the key, whether of goldkey or of a class that has the same one', () => {
    class Imitation extends Error {
      static readonly code = PLAIN;
      readonly code = PLAIN;
    }
    const replaced = Object.assign(new KeyProviderError('no'), { code: PLAIN });

    for (const error of [replaced, new Imitation('no')])
      expect(scrub(error, [PLAIN])).toMatchObject({ code: REDACTED });
  });

  it('leaves as the same object of the same class, without the key', () => {
    const error = failure();
    const left = scrubbed(error);
    expect(left).toBe(error);
    expect(left).toBeInstanceOf(HttpError);
    expect(left.constructor).toBe(HttpError);
    expect(left.name).toBe('HttpError');
    expect(left.status).toBe(503);
    expect(left.message).toBe('GET /p?access_key=[REDACTED]&base=USD failed');
    expect(left.stack).toMatch(/^HttpError: GET \/p\?access_key=\[REDACTED\]&base=USD failed\n\s+at /);
  });

  it('loses the key from its own strings, whatever their name or kind', () => {
    const symbol = Symbol('url');
    const error = Object.assign(failure(), { url: `/p?k=${SPECIAL}`, [symbol]: SPECIAL, code: 'ECONNRESET' });
    Object.defineProperty(error, 'hidden', { value: SPECIAL, enumerable: false, writable: true, configurable: true });
    const left = scrubbed(error);
    expect(left).toBe(error);
    expect(left).toMatchObject({ url: `/p?k=${REDACTED}`, [symbol]: REDACTED, hidden: REDACTED, code: 'ECONNRESET' });
  });

  it('keeps the visibility of its properties', () => {
    const error = Object.assign(failure(), { url: SPECIAL, config: { key: SPECIAL } });
    Object.defineProperty(error, 'hidden', {
      value: { key: SPECIAL },
      enumerable: false,
      writable: true,
      configurable: true,
    });
    const visible = Object.keys(error);
    expect(Object.keys(scrubbed(error))).toEqual(visible);
  });

  it('that holds no key stays exactly as it was', () => {
    const details = { list: [1, { a: new Map([['b', new Set([Buffer.from('c')])]]) }], when: new Date(0) };
    const error = Object.assign(failure('none'), { details, cause: new Error('inner', { cause: details }) });
    const changes = photograph(error);
    expect(scrub(error, [SPECIAL, PLAIN])).toBe(error);
    expect(changes()).toEqual([]);
    expect(error.details).toBe(details);
  });

  it('keeps its clean parts when others hold the key', () => {
    const clean = { rows: [1, 2, 3], headers: new Headers({ a: 'b' }) };
    const error = Object.assign(failure(), { clean, response: { status: 401, data: clean, config: { key: SPECIAL } } });
    const left = scrubbed(error);
    expect(left.clean).toBe(clean);
    expect(left.response.data).toBe(clean);
    expect(left.response.status).toBe(401);
    expect(left.response.config).toEqual({ key: REDACTED });
  });

  it('can be scrubbed again without a further change', () => {
    const error = scrubbed(Object.assign(failure(), { config: { key: SPECIAL } }));
    const changes = photograph(error);
    expect(scrub(error, [SPECIAL])).toBe(error);
    expect(changes()).toEqual([]);
  });

  it('loses every key that is named', () => {
    const error = Object.assign(failure(), { other: PLAIN });
    const left = scrub(error, [SPECIAL, PLAIN]);
    expect(left).toBe(error);
    expect([...allLeaks(left, SPECIAL), ...allLeaks(left, PLAIN)]).toEqual([]);
  });

  it('of another realm is cleaned in place', () => {
    const error = runInNewContext('Object.assign(new TypeError(key), { url: key })', { key: SPECIAL }) as Error;
    expect(error).not.toBeInstanceOf(Error);
    const left = scrubbed(error);
    expect(left).toBe(error);
    expect(left.message).toBe(REDACTED);
  });

  it('made the old way, without the Error constructor, is cleaned in place', () => {
    const error = Object.assign(Object.create(Error.prototype) as Error, {
      message: SPECIAL,
      stack: `Error: ${SPECIAL}`,
    });
    const left = scrubbed(error);
    expect(left).toBe(error);
    expect(left).toBeInstanceOf(Error);
    expect(left.message).toBe(REDACTED);
  });

  it('whose name, code or properties are named like the key loses them too', () => {
    const error = Object.assign(failure(), { code: SPECIAL, [SPECIAL]: 1, [Symbol(SPECIAL)]: 2 });
    error.name = SPECIAL;
    expect(scrubbed(error)).toBe(error);
  });

  it('of the DOM keeps its class and name', () => {
    const left = scrubbed(new DOMException(`GET ${SPECIAL} timed out`, 'TimeoutError'));
    expect(left).toBeInstanceOf(DOMException);
    expect(left.name).toBe('TimeoutError');
    expect(left.message).toBe(`GET ${REDACTED} timed out`);
  });

  it('whose message was changed after it was made loses the key from its stack', () => {
    const error = failure();
    expect(error.stack).toContain(SPECIAL);
    error.message = 'clean';
    const left = scrubbed(error);
    expect(left.message).toBe('clean');
    expect(left.stack).toContain(REDACTED);
  });

  it('whose message is no text loses the key from that too', () => {
    const error = failure();
    Object.assign(error, { message: { url: SPECIAL } });
    expect(scrubbed(error).message).toEqual({ url: REDACTED });
  });

  it('is as readable as before to a logger', () => {
    const left = scrubbed(failure());
    expect(inspect(left)).toContain('access_key=[REDACTED]&base=USD failed');
    expect(String(left)).toBe('HttpError: GET /p?access_key=[REDACTED]&base=USD failed');
  });
});

describe('a chain of errors', () => {
  it('is cleaned in place along `cause`, every link the same object', () => {
    const root = new TypeError(`root ${SPECIAL}`);
    const middle = Object.assign(new RangeError('middle', { cause: root }), { url: SPECIAL });
    const top = new HttpError('top', 500, { cause: middle });
    const left = scrubbed(top);
    expect(left).toBe(top);
    expect(left.cause).toBe(middle);
    expect(middle.cause).toBe(root);
    expect(middle.url).toBe(REDACTED);
    expect(root.message).toBe(`root ${REDACTED}`);
  });

  it('is cleaned in place inside an AggregateError, nested ones too', () => {
    const [one, two, three] = [failure(), new Error('clean'), new TypeError(SPECIAL)] as const;
    const inner = new AggregateError([two, three], `inner ${SPECIAL}`);
    const top = new AggregateError([one, inner], 'all failed');
    const left = scrubbed(top);
    expect(left).toBe(top);
    expect(left).toBeInstanceOf(AggregateError);
    expect(left.errors[0]).toBe(one);
    expect(left.errors[1]).toBe(inner);
    expect(inner.errors[0]).toBe(two);
    expect(inner.errors[1]).toBe(three);
    expect(three.message).toBe(REDACTED);
  });

  it('that leads back to itself ends', () => {
    const error = failure();
    error.cause = error;
    expect(scrubbed(error).cause).toBe(error);
    const [a, b] = [failure(), failure()];
    a.cause = b;
    b.cause = new AggregateError([a, b]);
    const left = scrubbed(a);
    expect(left).toBe(a);
    expect(left.cause).toBe(b);
  });

  it('whose cause is no error gets a scrubbed copy of that cause', () => {
    const cause = { status: 401, url: SPECIAL };
    const left = scrubbed(new Error('top', { cause }));
    expect(left.cause).toEqual({ status: 401, url: REDACTED });
    expect(cause.url).toBe(SPECIAL);
    expect(scrubbed(new Error('top', { cause: `/p?k=${SPECIAL}` })).cause).toBe(`/p?k=${REDACTED}`);
  });

  it('does not reach errors that hang elsewhere: they are copied', () => {
    const elsewhere = new HttpError(SPECIAL, 418);
    const changes = photograph(elsewhere);
    const left = scrubbed(errorWith({ last: elsewhere }));
    expect(changes()).toEqual([]);
    expect(left.extra.last).not.toBe(elsewhere);
    expect(left.extra.last).toBeInstanceOf(HttpError);
    expect(left.extra.last.status).toBe(418);
  });

  it('changes nothing but the errors', () => {
    const shared = { headers: { authorization: `Bearer ${SPECIAL}` }, list: [new Map([['k', SPECIAL]])] };
    const top = Object.assign(failure(), { config: shared, cause: Object.assign(failure(), { options: shared }) });
    const changes = photograph(top, errors);
    scrubbed(top);
    expect(changes()).toEqual([]);
  });
});
