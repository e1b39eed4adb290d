import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { KeyedClient } from '../../../src/index.js';
import { assertNoSecret, memoryKeyProvider } from '../../../src/testing/index.js';
import { redactValue } from './helpers.js';
import { allLeaks } from './leaks.js';

const KEY = 'sk_live_4f9aQ2zP7x';
const codes = [...Buffer.from(KEY)];

describe('a key in items of its own', () => {
  it.each([
    ['Int32Array', Int32Array.from(codes)],
    ['Uint32Array', Uint32Array.from(codes)],
    ['Float32Array', Float32Array.from(codes)],
    ['Float64Array', Float64Array.from(codes)],
  ])('is hidden as the codes in a %s', async (_name, list) => {
    const client = new KeyedClient({ keyProvider: memoryKeyProvider({ current: KEY }) });
    await client.prefetch();
    const printed = inspect(client.redact({ list }), { maxArrayLength: null });
    assertNoSecret(printed, KEY);
    expect(printed).not.toContain(inspect(list, { maxArrayLength: null }).slice(20, 60));
    await client.close();
  });

  it.each([
    ['an array', [...KEY]],
    ['an object', { ...[...KEY] }],
  ])('is hidden when it was spread into the characters of %s', async (_name, characters) => {
    const client = new KeyedClient({ keyProvider: memoryKeyProvider({ current: KEY }) });
    await client.prefetch();
    expect(client.redact({ characters })).toEqual({ characters: '[REDACTED]' });
    expect(client.redact({ characters: [...'other text'] })).toEqual({ characters: [...'other text'] });
    await client.close();
  });

  it('is hidden in UTF-16 at an odd place', async () => {
    const client = new KeyedClient({ keyProvider: memoryKeyProvider({ current: KEY }) });
    await client.prefetch();
    const frame = Buffer.concat([Buffer.of(7), Buffer.from(KEY, 'utf16le')]);
    const clean = client.redact({ frame }).frame;
    expect(Buffer.from(clean).includes(Buffer.from(KEY, 'utf16le'))).toBe(false);
    await client.close();
  });
});

describe('bytes whose class hides them', () => {
  const hidden = (value: object, names: Record<PropertyKey, unknown>): object =>
    Reflect.ownKeys(names).reduce((held, name) => Object.defineProperty(held, name, { value: names[name] }), value);
  const other = new ArrayBuffer(codes.length);

  it.each<[string, object]>([
    ['have no length', hidden(Buffer.from(KEY), { length: 0, byteLength: 0 })],
    ['are elsewhere', hidden(Uint8Array.from(codes), { buffer: other })],
    ['begin later', hidden(Uint8Array.from(codes), { byteOffset: 14, byteLength: 4 })],
    ['are not there in a DataView', hidden(new DataView(Uint8Array.from(codes).buffer), { byteLength: 0 })],
    ['are elsewhere in a DataView', hidden(new DataView(Uint8Array.from(codes).buffer), { buffer: other })],
    ['are one to an item', hidden(Float64Array.from(codes), { BYTES_PER_ELEMENT: 1 })],
    ['are no list', hidden(Float64Array.from(codes), { [Symbol.iterator]: () => [].values(), length: 0 })],
  ])('do not get out: it says that they %s', (_name, value) => {
    const left = redactValue({ value }, [KEY]).value;
    expect(left).not.toBe(value);
    expect(allLeaks(left, KEY)).toEqual([]);
    expect(inspect(left, { maxArrayLength: null })).not.toContain(codes.slice(0, 3).join(', '));
  });
});
