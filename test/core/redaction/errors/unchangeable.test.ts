import { describe, expect, it } from 'vitest';
import { SPECIAL } from '../encodings.js';
import { REDACTED, scrub, scrubbed } from '../helpers.js';
import { leaks } from '../leaks.js';
import { photograph } from '../snapshot.js';

class ApiError extends Error {
  status = 401;
}

const failure = (): ApiError => Object.assign(new ApiError(`failed with ${SPECIAL}`), { config: { key: SPECIAL } });

/** A property that can be neither written nor redefined. */
const fixed = (target: object, name: PropertyKey, value: unknown): void => {
  Object.defineProperty(target, name, { value, writable: false, configurable: false, enumerable: true });
};

describe('an error that cannot be changed', () => {
  it('because it is frozen leaves as a copy of its class, itself untouched', () => {
    const error = Object.freeze(failure());
    const changes = photograph(error);
    const left = scrubbed(error);
    expect(left).not.toBe(error);
    expect(left).toBeInstanceOf(ApiError);
    expect(left).toMatchObject({ status: 401, message: `failed with ${REDACTED}`, config: { key: REDACTED } });
    expect(left.stack).toContain(`failed with ${REDACTED}\n`);
    expect(changes()).toEqual([]);
  });

  it('but holds no key leaves as itself', () => {
    const error = Object.freeze(new ApiError('clean'));
    expect(scrub(error, [SPECIAL])).toBe(error);
  });

  it('because one property with the key is fixed leaves as a copy of its class', () => {
    const error = failure();
    fixed(error, 'url', `/p?k=${SPECIAL}`);
    const left = scrubbed(error);
    expect(left).toBeInstanceOf(ApiError);
    expect(left).toMatchObject({ status: 401, url: `/p?k=${REDACTED}`, message: `failed with ${REDACTED}` });
  });

  it('because one object with the key is fixed leaves as a copy of its class', () => {
    const error = new ApiError('failed');
    const request = { headers: { authorization: SPECIAL }, method: 'GET' };
    fixed(error, 'request', request);
    const left = scrubbed(error) as ApiError & { request: typeof request };
    expect(left).toBeInstanceOf(ApiError);
    expect(left.request).toEqual({ headers: { authorization: REDACTED }, method: 'GET' });
    expect(request.headers.authorization).toBe(SPECIAL);
  });

  it('because its message is fixed leaves as a copy of its class', () => {
    const error = new ApiError('failed');
    fixed(error, 'message', `failed with ${SPECIAL}`);
    expect(scrubbed(error).message).toBe(`failed with ${REDACTED}`);
    const sealed = new ApiError('failed');
    fixed(sealed, 'stack', `ApiError: ${SPECIAL}\n    at here`);
    expect(scrubbed(sealed).stack).toBe(`ApiError: ${REDACTED}\n    at here`);
  });

  it('only where it is clean is changed in place', () => {
    const error = failure();
    fixed(error, 'requestId', 'r-1');
    const left = scrubbed(error);
    expect(left).toBe(error);
    expect(left).toMatchObject({ requestId: 'r-1', config: { key: REDACTED } });
  });

  it('is changed in place when it is only sealed or not extensible', () => {
    const [sealed, closed] = [Object.seal(failure()), Object.preventExtensions(failure())];
    expect(scrubbed(sealed)).toBe(sealed);
    expect(scrubbed(closed)).toBe(closed);
    expect(sealed.message).toBe(`failed with ${REDACTED}`);
  });

  it('as a cause is replaced on the error above it', () => {
    const cause = Object.freeze(failure());
    const changes = photograph(cause);
    const top = new Error('top', { cause });
    const left = scrubbed(top);
    expect(left).toBe(top);
    expect(left.cause).toBeInstanceOf(ApiError);
    expect(left.cause).toMatchObject({ status: 401, message: `failed with ${REDACTED}` });
    expect(changes()).toEqual([]);
  });

  it('inside an AggregateError is replaced there, the others stay', () => {
    const [frozen, loose] = [Object.freeze(failure()), failure()];
    const top = new AggregateError([frozen, loose]);
    const left = scrubbed(top);
    expect(left).toBe(top);
    expect(left.errors[0]).toBeInstanceOf(ApiError);
    expect(left.errors[0]).not.toBe(frozen);
    expect(left.errors[1]).toBe(loose);
    expect(leaks(frozen, SPECIAL)).toBe(true);
  });

  it('with a frozen list of errors loses the key all the same', () => {
    const loose = failure();
    const top = new AggregateError([]);
    top.errors = Object.freeze([Object.freeze(failure()), loose]) as unknown as Error[];
    expect(scrubbed(top)).toBe(top);
    expect(top.errors[1]).toBe(loose);
  });

  it('in a frozen chain that leads back to itself leaves as a copy', () => {
    const error = failure();
    error.cause = error;
    const left = scrubbed(Object.freeze(error));
    expect(left).toBeInstanceOf(ApiError);
    expect(left.cause).not.toBe(error);
  });

  it('with private fields leaves as a copy that is still of its class', () => {
    class Private extends Error {
      readonly #at = 1;
      get at(): number {
        return this.#at;
      }
    }
    const left = scrubbed(Object.freeze(new Private(SPECIAL)));
    expect(left).toBeInstanceOf(Private);
    expect(left.message).toBe(REDACTED);
    expect(left.at).toBe(1);
  });
});

describe('an accessor on an error', () => {
  it('that returns the key no longer does', () => {
    const error = failure();
    Object.defineProperty(error, 'url', { get: () => `/p?k=${SPECIAL}`, enumerable: true, configurable: true });
    expect(scrubbed(error)).toBe(error);
  });

  it('that returns the key and cannot be redefined makes it leave as a copy', () => {
    const error = failure();
    Object.defineProperty(error, 'url', { get: () => SPECIAL, enumerable: true, configurable: false });
    expect(scrubbed(error)).toBeInstanceOf(ApiError);
  });

  it('that throws, or only sets, does no harm', () => {
    const error = failure();
    Object.defineProperty(error, 'broken', {
      get: () => {
        throw new Error('broken');
      },
      enumerable: true,
      configurable: true,
    });
    Object.defineProperty(error, 'deaf', { set: Object.freeze, configurable: true });
    expect(scrubbed(error)).toBe(error);
  });

  it('in place of `stack` or `message` is cleaned too', () => {
    const error = new ApiError('failed');
    Object.defineProperty(error, 'stack', { get: () => `ApiError: ${SPECIAL}`, configurable: true });
    expect(scrubbed(error)).toBe(error);
    const other = new ApiError('failed');
    Object.defineProperty(other, 'message', { get: () => `failed with ${SPECIAL}`, configurable: true });
    expect(scrubbed(other).message).toBe(`failed with ${REDACTED}`);
  });

  it('of its class, such as a getter-only message, is cleaned too', () => {
    class Computed extends Error {
      override get message(): string {
        return `failed with ${SPECIAL}`;
      }
    }
    const error = new Computed();
    const left = scrubbed(error);
    expect(left).toBeInstanceOf(Computed);
    expect(left.message).toBe(`failed with ${REDACTED}`);
  });

  it('of its class that reads a private field is cleaned too', () => {
    class Private extends Error {
      readonly #url: string;
      readonly #attempts = 3;
      constructor(url: string) {
        super('failed');
        this.#url = url;
      }
      get attempts(): number {
        return this.#attempts;
      }
      get url(): string {
        return this.#url;
      }
    }
    const left = scrubbed(new Private(`/p?k=${SPECIAL}`));
    expect(left).toBeInstanceOf(Private);
    expect(left.url).toBe(`/p?k=${REDACTED}`);
    expect(left.attempts).toBe(3);
  });

  it('that counts its readings is not read endlessly', () => {
    let readings = 0;
    const error = failure();
    Object.defineProperty(error, 'costly', { get: () => (readings += 1), configurable: true });
    scrub(error, [SPECIAL]);
    expect(readings).toBeLessThan(5);
  });
});
