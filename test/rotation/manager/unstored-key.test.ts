import { afterEach, describe, expect, it, vi } from 'vitest';
import { UnstoredKey } from '../../../src/rotation/manager/unstored-key.js';

const KEY = 'invented-key-4711';
const OTHER = 'invented-key-0815';
const bytesOf = (key: string): Uint8Array => Uint8Array.from(Buffer.from(key));

afterEach(() => {
  vi.restoreAllMocks();
});

/** Returns the keys that are zeroed from now on, as they were before. */
function keysZeroed(): string[] {
  const keys: string[] = [];
  const { fill } = Uint8Array.prototype;
  vi.spyOn(Uint8Array.prototype, 'fill').mockImplementation(function (this: Uint8Array, ...args) {
    keys.push(Buffer.from(this).toString());
    const filled = fill.apply(this, args);
    expect(this.every((byte) => byte === 0)).toBe(true);
    return filled;
  });
  return keys;
}

describe('a minted key that no ring holds yet', () => {
  it('is given for its rotation alone, as often as it is asked for, with its notes', () => {
    const unstored = new UnstoredKey();
    expect(unstored.copy('one')).toBeUndefined();
    unstored.keep('one', { key: bytesOf(KEY), metadata: { ticket: 'OPS-7' } });

    expect(unstored.copy('another')).toBeUndefined();
    for (let time = 0; time < 2; time++) {
      expect(unstored.copy('one')).toEqual({ key: bytesOf(KEY), metadata: { ticket: 'OPS-7' } });
    }
  });

  it('is a copy: that of the step, and each that was given, may be zeroed', () => {
    const unstored = new UnstoredKey();
    const key = bytesOf(KEY);
    unstored.keep('one', { key, metadata: undefined });
    key.fill(0);
    unstored.copy('one')?.key.fill(0);

    expect(unstored.copy('one')?.key).toEqual(bytesOf(KEY));
  });

  it('is zeroed and gone when it is stored or no longer wanted, once, and not while it is wanted', () => {
    const unstored = new UnstoredKey();
    unstored.keep('one', { key: bytesOf(KEY), metadata: undefined });
    const zeroed = keysZeroed();

    unstored.forget('one');
    expect([zeroed, unstored.copy('one')?.key]).toEqual([[], bytesOf(KEY)]);
    unstored.forget('another');
    unstored.forget('another');
    unstored.forget();

    expect([zeroed, unstored.copy('one')]).toEqual([[KEY], undefined]);
  });

  it('is zeroed when another takes its place', () => {
    const unstored = new UnstoredKey();
    const zeroed = keysZeroed();
    unstored.keep('one', { key: bytesOf(KEY), metadata: undefined });
    unstored.keep('two', { key: bytesOf(OTHER), metadata: undefined });

    expect([zeroed, unstored.copy('one'), unstored.copy('two')?.key]).toEqual([[KEY], undefined, bytesOf(OTHER)]);
  });
});
