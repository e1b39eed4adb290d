import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { describe, expect, it } from 'vitest';
import { heapProgram } from './heap-program.js';

const DIST = pathToFileURL(join(import.meta.dirname, '../../dist/esm')).href;

/** The key is put together at run time, from a number alone: the sources in the heap must not hold it. */
const PROGRAM = `
import { GoldDataClient } from '${DIST}/index.js';
import { writeHeapSnapshot } from 'node:v8';

const handed = [];
const makeKey = () => Uint8Array.from({ length: 40 }, (_, i) => 97 + ((i * i * 7 + 3 * i + 11) % 26));
const keyProvider = {
  name: 'made',
  load: async () => { const bytes = makeKey(); handed.push(bytes); return { bytes, version: '1' }; },
};
const copies = [];
let failed = 0;
async function use() {
  const gold = new GoldDataClient({
    keyProvider,
    retry: false,
    fetchPrice: async (symbol, context) => {
      copies.push(context.bytes);
      const length = ('Bearer ' + context.apiKey).length;
      if (symbol === 'BAD') throw Object.assign(new Error('GET /?key=' + context.apiKey), { config: { key: context.apiKey } });
      return length;
    },
  });
  for (let call = 0; call < 20; call++) await gold.getPrice('XAU');
  await gold.getPrice('BAD').catch(() => failed++);
  gold.redact({ a: 'b' });
  if (process.argv[3] !== 'open') await gold.close();
  return gold;
}
const gold = await use();
for (let round = 0; round < 5; round++) { await new Promise((resolve) => setImmediate(resolve)); globalThis.gc(); }
writeHeapSnapshot(process.argv[2]);
const zeroed = (list) => list.every((bytes) => bytes.every((byte) => byte === 0));
console.log(JSON.stringify({ state: gold.status().state, failed, handed: zeroed(handed), copies: zeroed(copies) }));
process.exit(0);
`;

const key = Buffer.from(Array.from({ length: 40 }, (_, i) => 97 + ((i * i * 7 + 3 * i + 11) % 26))).toString();
const snapshot = heapProgram<unknown>(PROGRAM);

describe('a heap snapshot', () => {
  it(
    'after close() holds no key, raw or encoded, and every array handed over reads zero',
    { timeout: 60_000 },
    async () => {
      const { report, heap } = await snapshot('closed');

      expect(report).toEqual({ state: 'closed', failed: 1, handed: true, copies: true });
      for (const form of [key, Buffer.from(key).toString('hex'), Buffer.from(key).toString('base64').slice(0, 52)]) {
        expect(heap.includes(form)).toBe(false);
      }
    },
  );

  it('before close() does hold it, or the test above could never fail', { timeout: 60_000 }, async () => {
    const { report, heap } = await snapshot('open');
    expect(report).toMatchObject({ state: 'fresh' });
    expect(heap.includes(key)).toBe(true);
  });
});
