import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildTargets, type Fault } from './lib/build.js';
import { fuzz } from './lib/engine.js';
import { instrument } from './lib/instrument.js';
import { Random } from './lib/random.js';
import { readCorpus, runTarget } from './lib/run-target.js';

const ROOT = resolve(import.meta.dirname, '../..');
/** Below the root, where the packages that are not built in are found. */
const FOLDER = join(ROOT, '.cache', `fuzz-test-${String(process.pid)}`);
const COUNTERS = 'goldkeyFuzzCounters';

afterAll(() => rm(FOLDER, { recursive: true, force: true }));

/** Imports the text of a module. */
const load = (code: string): Promise<Record<string, (...given: unknown[]) => unknown>> =>
  import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(code)}`) as Promise<never>;

describe('the counters', () => {
  const SOURCE = `
    export function every(n, list = []) {
      if (n > 3) list.push('many');
      else if (n === 0) return list.length === 0 ? [] : list;
      for (const each of [1, 2]) if (each === n) for (let at = 0; at < n; at++) list.push(at);
      while (n > 2) n--;
      do n--; while (n > 0)
      const double = (x) => x * 2, box = (x) => ({ x }), later = async (x) => { await x; return x ?? (() => 1)(); };
      switch (n) { case 0: case 1: list.push(double(n)); break; default: list.push(box(n)); }
      try { if (n < 0) throw new Error('below'); } catch (error) { list.push(error.message); } finally { list.push('end'); }
      n ||= 7; n &&= n + 1;
      class Shape { side = () => n; get area() { return this.side() || 0; } }
      return [...list, new Shape().area, n > 1 && list.length, typeof later, (n, list)?.length];
    }`;

  it('leave the code as it was', async () => {
    Object.assign(globalThis, { [COUNTERS]: new Uint32Array(100) });
    const [plain, counting] = await Promise.all([load(SOURCE), load(instrument(SOURCE, 0).code)]);

    for (const n of [-1, 0, 1, 2, 3, 9]) expect(counting['every']?.(n)).toEqual(plain['every']?.(n));
  });

  it('tell which way the code went, and how often', async () => {
    const counters = new Uint32Array(100);
    Object.assign(globalThis, { [COUNTERS]: counters });
    const made = instrument(
      'export const sum = (n) => { let s = 0; for (let i = 0; i < n; i++) s += i % 2 ? i : 1; return s; }',
      10,
    );
    const { sum } = await load(made.code);

    sum?.(5);

    expect(made.blocks).toBe(4);
    expect([...counters.subarray(10, 14)].toSorted()).toEqual([1, 2, 3, 5]);
    expect(counters.filter(Boolean)).toHaveLength(4);
  });
});

it('an input that reaches further is kept and changed: four letters are found one by one', async () => {
  const counters = new Uint32Array(20);
  Object.assign(globalThis, { [COUNTERS]: counters });
  const { open } = await load(
    instrument(
      "export const open = (t) => { if (t[0] === 'g' && t[1] === 'o' && t[2] === 'l' && t[3] === 'd') throw new Error('open'); }",
      0,
    ).code,
  );
  let left = 200_000;

  const { finding, executions } = await fuzz({
    target: { words: [], run: (input) => void open?.(input.toString('latin1')) },
    seeds: [Buffer.from('....')],
    counters,
    findWords: () => [],
    random: new Random(1),
    goesOn: () => left-- > 0,
    onInput: () => undefined,
  });

  expect(finding?.input.toString()).toBe('gold');
  // By chance alone it takes four thousand million.
  expect(executions).toBeLessThan(200_000);
});

const FAULTS: readonly (readonly [string, Fault, RegExp])[] = [
  [
    'jwe',
    {
      path: 'providers/local/jwe.ts',
      find: 'if (tag.length !== TAG_BYTES) fail(',
      replace: 'if (tag.length > TAG_BYTES) fail(',
    },
    /not documented.*authentication tag/is,
  ],
  [
    'jwe',
    {
      path: 'providers/local/jwe.ts',
      find: 'return encode(bytes) === text ? bytes : undefined;',
      replace: 'return bytes;',
    },
    /A JWE opens that was not sealed so/,
  ],
  [
    'prices',
    {
      path: 'prices/values/price-limits.ts',
      find: "if (age < -MAX_AHEAD_MS) return 'has a time ahead of this clock';",
      replace: '',
    },
    /A price of the time/,
  ],
];

it.each(FAULTS)('a fault planted in %s is found: %j', { timeout: 60_000 }, async (name, fault, problem) => {
  await buildTargets(ROOT, FOLDER, fault);

  const { finding } = await runTarget({ name, folder: FOLDER, seeds: readCorpus(ROOT, name), seed: 1, ms: 40_000 });

  expect(finding?.problem).toMatch(problem);
});
