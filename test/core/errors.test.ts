import { describe, expect, it } from 'vitest';
import { closedError, copyError } from '../../src/core/errors.js';
import { conflict } from '../../src/core/rotation-errors.js';
import {
  CallTimeoutError,
  ClientClosedError,
  GoldKeyError,
  isGoldKeyError,
  KeyAccessDeniedError,
  KeyDecryptError,
  KeyFormatError,
  KeyNotFoundError,
  KeyProviderError,
  KeyRejectedError,
  KeyTimeoutError,
  MissingPackageError,
} from '../../src/index.js';
import { RingConflictError, RotationError } from '../../src/rotation/index.js';

const MESSAGE = 'It failed; try again.';

describe('an error of goldkey', () => {
  const classes = [
    ['GoldKeyError', 'ERR_GOLDKEY_PROVIDER', false, GoldKeyError],
    ['KeyNotFoundError', 'ERR_GOLDKEY_NOT_FOUND', false, KeyNotFoundError],
    ['KeyAccessDeniedError', 'ERR_GOLDKEY_ACCESS_DENIED', false, KeyAccessDeniedError],
    ['KeyDecryptError', 'ERR_GOLDKEY_DECRYPT', false, KeyDecryptError],
    ['KeyFormatError', 'ERR_GOLDKEY_FORMAT', false, KeyFormatError],
    ['KeyProviderError', 'ERR_GOLDKEY_PROVIDER', true, KeyProviderError],
    ['KeyTimeoutError', 'ERR_GOLDKEY_KEY_TIMEOUT', true, KeyTimeoutError],
    ['KeyRejectedError', 'ERR_GOLDKEY_REJECTED', false, KeyRejectedError],
    ['CallTimeoutError', 'ERR_GOLDKEY_TIMEOUT', true, CallTimeoutError],
    ['ClientClosedError', 'ERR_GOLDKEY_CLOSED', false, ClientClosedError],
    ['MissingPackageError', 'ERR_GOLDKEY_MISSING_PACKAGE', false, MissingPackageError],
    ['RingConflictError', 'ERR_GOLDKEY_RING_CONFLICT', true, RingConflictError],
  ] as const;

  it.each(classes)('%s is told by its name and its code %s; that it may pass: %s', (name, code, retryable, type) => {
    const error = new type(MESSAGE);

    expect(error).toMatchObject({ name, code, retryable, message: MESSAGE });
    expect(String(error)).toBe(`${name}: ${MESSAGE}`);
    // The name is told by the class, so that what was given stands alone.
    expect(Object.keys(error).toSorted()).toEqual(['code', 'retryable']);
    expect(error).not.toHaveProperty('cause');
    expect([error instanceof GoldKeyError, isGoldKeyError(error), isGoldKeyError(error, code)]).toEqual([
      true,
      true,
      true,
    ]);
    expect(new type(MESSAGE, { retryable: !retryable }).retryable).toBe(!retryable);
  });

  it('has what it was given', () => {
    const given = { cause: new Error('below'), retryAfter: 0, provider: 'vault', version: 'v2' };

    expect(new KeyProviderError(MESSAGE, given)).toMatchObject(given);
    expect(new RotationError(MESSAGE, { ...given, step: 'promote' })).toMatchObject({
      ...given,
      name: 'RotationError',
      code: 'ERR_GOLDKEY_ROTATION',
      step: 'promote',
      retryable: false,
    });
  });

  it('may have its name changed, as any error', () => {
    const error = new KeyRejectedError(MESSAGE);
    error.name = 'MyError';
    expect(String(error)).toBe(`MyError: ${MESSAGE}`);

    const conflicting = new RingConflictError(MESSAGE);
    conflicting.name = 'MyError';
    expect(String(conflicting)).toBe(`MyError: ${MESSAGE}`);
  });

  it('of another copy of the package is one, and nothing that only looks like it', () => {
    const foreign = { [Symbol.for('goldkey.error')]: true, code: 'ERR_GOLDKEY_CLOSED' };
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error('not for you');
        },
      },
    );
    const none = [undefined, null, 'ERR_GOLDKEY_CLOSED', new Error(MESSAGE), { code: 'ERR_GOLDKEY_CLOSED' }, hostile];
    none.push(
      Object.assign(() => 0, foreign),
      { ...foreign, [Symbol.for('goldkey.error')]: 'yes' },
    );

    expect(isGoldKeyError(foreign, 'ERR_GOLDKEY_CLOSED')).toBe(true);
    expect(isGoldKeyError(foreign, 'ERR_GOLDKEY_REJECTED')).toBe(false);
    expect(none.map((value) => isGoldKeyError(value))).toEqual(none.map(() => false));
  });
});

describe('the copy of an error for another caller', () => {
  const copied = [
    KeyNotFoundError,
    KeyAccessDeniedError,
    KeyDecryptError,
    KeyFormatError,
    KeyProviderError,
    KeyTimeoutError,
    MissingPackageError,
  ].map((type) => [type.prototype.name, type] as const);

  it.each(copied)('is of the same class, and has the first one as its cause: %s', (_, type) => {
    const error = new type(MESSAGE, { provider: 'vault', version: 'v1', retryAfter: 5, retryable: true });

    const copy = copyError(error, { version: 'v2' });

    expect(copy).toBeInstanceOf(type);
    expect(copy).toMatchObject({
      message: MESSAGE,
      cause: error,
      provider: 'vault',
      version: 'v2',
      retryAfter: 5,
      retryable: true,
    });
  });

  it('is that of a key store for any other class', () => {
    const copy = copyError(new CallTimeoutError(MESSAGE, { retryable: false }), {});

    expect(copy).toMatchObject({ name: 'KeyProviderError', retryable: false, message: MESSAGE });
  });
});

describe('the words of an error', () => {
  it('of a closed client say to make a new one', () => {
    expect(String(closedError())).toBe('ClientClosedError: The client has been closed; make a new one.');
  });

  it.each([
    [0, undefined, 'there being no ring'],
    [0, 3, 'there being no ring; it is at revision 3'],
    [2, 0, 'revision 2; it is gone'],
    [2, 3, 'revision 2; it is at revision 3'],
  ])('of a write decided on revision %s of a ring at %s say both', (expected, found, words) => {
    expect(conflict('redis', expected, found)).toMatchObject({
      name: 'RingConflictError',
      provider: 'redis',
      message: `The key ring was changed by another writer: this write was decided on ${words}. Read it again and decide anew.`,
    });
  });
});
