import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { heapProgram } from '../heap-program.js';

const DIST = pathToFileURL(join(import.meta.dirname, '../../../dist/esm')).href;
const LENGTH = 40;

/** The key is put together at run time, from a number alone: the sources in the heap must not hold it. */
const makeKey = (seed: number): string =>
  String.fromCharCode(...Array.from({ length: LENGTH }, (_none, i) => 97 + ((i * i * seed + 3 * i + 11) % 26)));

const PROGRAM = `
import { GoldDataClient } from '${DIST}/index.js';
import { writeHeapSnapshot } from 'node:v8';

const bytesOf = (seed) => Uint8Array.from({ length: ${LENGTH} }, (_none, i) => 97 + ((i * i * seed + 3 * i + 11) % 26));
const [file, mode] = process.argv.slice(2);
const kept = [];
let seed = 7;
async function use() {
  const gold = new GoldDataClient({
    keyProvider: { name: 'made', load: async () => ({ bytes: bytesOf(seed), version: String(seed) }) },
    retry: false,
    reloadCooldown: 0,
    fetchPrice: async (symbol, { apiKey }) => {
      if (mode === 'slice') kept.push(('x '.repeat(20) + apiKey + ' y'.repeat(20)).slice(0, 30));
      if (symbol === 'BAD') throw new Error('x '.repeat(20) + apiKey + ' y'.repeat(20), { cause: apiKey + ' z'.repeat(20) });
      return apiKey.length;
    },
  });
  for (const next of [7, 9]) {
    seed = next;
    await gold.reload();
    kept.push(await gold.getPrice('BAD').catch((error) => error));
    const { message } = kept.at(-1);
    kept.push(message.slice(0, 30), gold.redact('z '.repeat(20) + String.fromCharCode(...bytesOf(seed)) + ' end'));
  }
  await gold.close();
  const late = gold.redact('late ' + String.fromCharCode(...bytesOf(7)) + ' and ' + String.fromCharCode(...bytesOf(9)));
  kept.push(late);
  return gold;
}
const gold = await use();
for (let round = 0; round < 5; round++) { await new Promise((resolve) => setImmediate(resolve)); globalThis.gc(); }
writeHeapSnapshot(file);
console.log(JSON.stringify({ kept: kept.map((each) => each.message ?? each), late: gold.redact(kept.at(-1)) }));
process.exit(0);
`;

const snapshot = heapProgram<{ kept: string[]; late: string }>(PROGRAM);

const forms = (key: string): string[] => {
  const bytes = Buffer.from(key);
  const ends = [key, bytes.toString('hex'), bytes.toString('base64'), [...bytes].join(',')];
  // Also what is compared, and what remains where a part of it was overwritten.
  return [...ends.map((form) => form.slice(0, 20)), ...ends.map((form) => form.slice(-20)), key.slice(10, 30)];
};

describe('a heap snapshot after close(), while scrubbed errors and texts are kept,', () => {
  it('holds no form of a key: cleaned text shares no memory with the original', { timeout: 60_000 }, async () => {
    const { report, heap } = await snapshot('scrubbed');
    expect(report.kept[0]).toBe(`${'x '.repeat(20)}[REDACTED]${' y'.repeat(20)}`);
    expect(report.late).toBe('late [REDACTED] and [REDACTED]');
    for (const seed of [7, 9]) {
      for (const form of forms(makeKey(seed))) expect(heap.includes(form), form).toBe(false);
    }
  });

  it('would show the key if a plain slice of a text were kept', { timeout: 60_000 }, async () => {
    const { heap } = await snapshot('slice');
    expect(heap.includes(makeKey(7).slice(10, 30))).toBe(true);
  });
});
