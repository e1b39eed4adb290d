import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { allocateBytes, asUint8Array, copyBytes } from '../../../src/core/util/bytes.js';

const LENGTHS = [0, 1, 63, 64, 65, 4_096];

/**
 * Returns how many bytes of buffers outside of V8's heap came with `count` results of `make`: the most of ten times, because
 * a collection meanwhile frees buffers of the test runner's and of the time before.
 */
function measureBuffers(count: number, make: () => Uint8Array): number {
  const times = Array.from({ length: 10 }, () => {
    const before = process.memoryUsage().arrayBuffers;
    const kept = Array.from({ length: count }, make);
    const after = process.memoryUsage().arrayBuffers;
    expect(kept).toHaveLength(count);
    return after - before;
  });
  return Math.max(...times);
}

describe('allocateBytes', () => {
  it.each(LENGTHS)('gives %i zeroes in a buffer of that length, which nothing else shares', (length) => {
    const bytes = allocateBytes(length);

    expect([bytes.constructor, bytes.byteOffset, bytes.buffer.byteLength]).toEqual([Uint8Array, 0, length]);
    expect(bytes).toEqual(new Uint8Array(length));
    expect(allocateBytes(length).buffer).not.toBe(bytes.buffer);
  });

  it('takes memory outside of V8’s heap, where `new Uint8Array` takes none for up to 64 bytes', () => {
    const [count, length] = [20_000, 64];

    expect(measureBuffers(count, () => allocateBytes(length))).toBeGreaterThan((count * length) / 2);
    expect(measureBuffers(count, () => new Uint8Array(length))).toBeLessThan((count * length) / 2);
  });
});

describe('copyBytes', () => {
  it.each(LENGTHS)('gives %i equal bytes in a buffer of that length, which nothing else shares', (length) => {
    // A view into a larger buffer, as Node.js's pool gives out.
    const given = Buffer.from('abc'.repeat(2_000)).subarray(5, 5 + length);
    const text = given.toString();

    const copy = copyBytes(given);

    expect([copy.constructor, copy.byteOffset, copy.buffer.byteLength]).toEqual([Uint8Array, 0, length]);
    expect(Buffer.from(copy).toString()).toBe(text);
    copy.fill(0);
    expect(given.toString()).toBe(text);
  });

  it('takes memory outside of V8’s heap for a short key, where `slice` takes none', () => {
    const [count, given] = [20_000, new TextEncoder().encode('k'.repeat(60))];

    expect(measureBuffers(count, () => copyBytes(given))).toBeGreaterThan((count * given.length) / 2);
    expect(measureBuffers(count, () => given.slice())).toBeLessThan((count * given.length) / 2);
  });
});

describe('asUint8Array', () => {
  it('gives bytes of this realm as they are', () => {
    for (const bytes of [new Uint8Array(3), Buffer.from('abc')]) expect(asUint8Array(bytes)).toBe(bytes);
  });

  it('gives bytes of another realm as a view of this one over the same memory', () => {
    const foreign = runInNewContext('new Uint8Array([0, 1, 2, 3, 4]).subarray(1, 4)') as Uint8Array;
    const view = asUint8Array(foreign);

    expect([foreign instanceof Uint8Array, view instanceof Uint8Array]).toEqual([false, true]);
    expect([...(view ?? [])]).toEqual([1, 2, 3]);
    view?.fill(0);
    expect([...foreign]).toEqual([0, 0, 0]);
  });

  it.each([undefined, null, 'text', [1, 2], new Uint16Array(2), new ArrayBuffer(2), { byteLength: 2 }])(
    'gives nothing for %j',
    (value) => {
      expect(asUint8Array(value)).toBeUndefined();
    },
  );
});
