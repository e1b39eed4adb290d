import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { node } from '../user.js';
import { installTools, makeProject } from './tools.js';

/**
 * A suite of a user's for any runner: `it`, and what the runner does to the timers. A deadline that is lost shows as a test
 * that takes longer than its runner allows.
 */
const SUITE = `
const assert = require('node:assert');
const never = () => new Promise(() => undefined);
const timedOut = { code: 'ERR_GOLDKEY_TIMEOUT' };

exports.suite = ({ it, goldkey: { GoldDataClient, KeyedClient }, testing: { memoryKeyProvider, startFakePriceApi }, prices: { metalsApi }, fake }) => {
  const makeClient = (options) => new KeyedClient({ keyProvider: memoryKeyProvider({ current: 'first-key-0001' }), ...options });
  const hang = (client, timeout = 20) => assert.rejects(client.withKey(never, { timeout }), timedOut);
  const test = (name, body) => it(name, async () => {
    try { await body(); } finally { fake.restore(); }
  });
  const failOnce = () => {
    const attempts = [];
    const fetchPrice = async (symbol, { attempt }) => {
      attempts.push(attempt);
      if (attempt === 1) throw Object.assign(new Error('down'), { status: 503 });
      return 2100;
    };
    return { attempts, fetchPrice, keyProvider: memoryKeyProvider({ current: 'first-key-0001' }) };
  };

  test('the first retry is made when they are advanced', async () => {
    fake.install();
    const { attempts, ...options } = failOnce();
    const gold = new GoldDataClient({ ...options, retry: { minTimeout: 60_000, maxTimeout: 60_000 }, timeout: 90_000 });
    const call = gold.getPrice('XAU');
    await fake.advance(59_999);
    assert.deepStrictEqual(attempts, [1]);
    await fake.advance(1);
    assert.strictEqual(await call, 2100);
    assert.deepStrictEqual(attempts, [1, 2]);
  });
  test('a retry is made when nothing advances them', async () => {
    fake.install();
    const { attempts, ...options } = failOnce();
    assert.strictEqual(await new GoldDataClient({ ...options, retry: { minTimeout: 5 } }).getPrice('XAU'), 2100);
  });
  test('a deadline is kept after they have been restored', async () => {
    const client = makeClient();
    fake.install();
    await client.withKey(async () => 1);
    fake.restore();
    await hang(client);
  });
  test('a deadline is kept when they are installed between construction and call, and nothing advances them', async () => {
    const client = makeClient();
    fake.install();
    await hang(client);
  });
  test('a deadline is kept when they are installed during the call', async () => {
    const call = hang(makeClient());
    fake.install();
    await call;
  });
  test('a deadline is kept when they are restored during the call', async () => {
    fake.install();
    const call = hang(makeClient());
    fake.restore();
    await call;
  });
  test('a deadline is kept when they are reset during the call', async () => {
    fake.install();
    const call = hang(makeClient());
    fake.clear();
    await call;
  });
  test('a deadline is kept when they are lost without being restored', async () => {
    fake.install();
    const client = makeClient();
    const call = hang(client);
    fake.lose();
    await call;
    await hang(client);
  });
  test('a deadline comes when they are advanced, and not before', async () => {
    const client = makeClient();
    await client.prefetch();
    fake.install();
    let error;
    client.withKey(never, { timeout: 60_000 }).catch((reason) => (error = reason));
    await fake.advance(59_999);
    assert.strictEqual(error, undefined);
    await fake.advance(1);
    assert.strictEqual(error?.code, timedOut.code);
  });
  test('a store that hangs is given up, restored or not', async () => {
    for (const end of [() => undefined, fake.restore]) {
      fake.install();
      const client = makeClient({ keyProvider: { name: 'hanging', load: never }, keyTimeout: 20 });
      const call = assert.rejects(client.withKey(async () => 1), { code: 'ERR_GOLDKEY_KEY_TIMEOUT' });
      end();
      await call;
    }
  });
  test('a price comes over HTTP under them, and after them', async () => {
    const api = await startFakePriceApi({ keys: ['first-key-0001'] });
    const gold = new GoldDataClient({ keyProvider: memoryKeyProvider({ current: 'first-key-0001' }), ...metalsApi({ baseUrl: api.url }) });
    fake.install();
    await gold.getPrice('XAU');
    fake.restore();
    await gold.getPrice('XAU');
    await gold.close();
    await api.close();
  });

  const STEPS = ['install', 'restore', 'clear', 'call', 'hang'];
  test('after any three steps, in any order, a call that hangs ends', async () => {
    for (const first of STEPS) for (const second of STEPS) for (const third of STEPS) {
      const client = makeClient();
      const running = [];
      for (const step of [first, second, third]) {
        if (step === 'call') await client.withKey(async () => 1);
        else if (step === 'hang') running.push(hang(client, 5));
        else fake[step]();
      }
      running.push(hang(client, 5));
      await Promise.all(running);
      fake.restore();
    }
  });
  test('nothing is lost for the tests that follow', () => hang(makeClient()));
};`;

const LOAD = `
const goldkey = require('goldkey');
const testing = require('goldkey/testing');
const prices = require('goldkey/prices');`;

/** How each runner fakes the timers. \`lose\` puts the real ones back, but leaves what it faked them with unaware of it. */
const VITEST = `
import { it, vi } from 'vitest';
import { suite } from './suite.cjs';

const fake = {
  install: () => void vi.useFakeTimers(),
  restore: () => void vi.useRealTimers(),
  clear: () => void (vi.isFakeTimers() && vi.clearAllTimers()),
  advance: (ms) => vi.advanceTimersByTimeAsync(ms),
  lose: () => void vi.useFakeTimers(),
};`;
const VITEST_LOAD = `
const [goldkey, testing, prices] = await Promise.all([import('goldkey'), import('goldkey/testing'), import('goldkey/prices')]);`;
const START = `
suite({ it, goldkey, testing, prices, fake });`;

const jest = (options: string): string => `
const { suite } = require('./suite.cjs');
let faked = false;
const fake = {
  install: () => { jest.useFakeTimers(${options}); faked = true; },
  restore: () => { jest.useRealTimers(); faked = false; },
  clear: () => { if (faked) jest.clearAllTimers(); },
  async advance(ms) {
    // Some of jest's have no asynchronous form: what waits on a promise must have got to its timer first.
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
    if (jest.advanceTimersByTimeAsync && ${String(!options.includes('legacy'))}) await jest.advanceTimersByTimeAsync(ms);
    else jest.advanceTimersByTime(ms);
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  },
  lose: () => fake.install(),
};`;

const SINON = `
const { test } = require('node:test');
const sinon = require('sinon');
const { suite } = require('./suite.cjs');

const it = (name, body) => test(name, { timeout: 20_000 }, body);
const real = { Date, setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, clearImmediate };
const { hrtime } = process;
// node:test gives up a test that nothing but fake and unreferenced timers holds.
const stayAlive = setInterval(() => undefined, 1_000);
let clock;
const fake = {
  install: () => { fake.restore(); clock = sinon.useFakeTimers({ toNotFake: ['nextTick', 'queueMicrotask'] }); },
  restore: () => { clock?.restore(); clock = undefined; },
  clear: () => clock?.reset(),
  advance: (ms) => clock.tickAsync(ms),
  lose: () => { Object.assign(globalThis, real); process.hrtime = hrtime; clock = undefined; },
};`;

/** The last test: the process must end by itself then. */
const END = `
it('lets the process end', () => clearInterval(stayAlive));`;

const UNDER = `
fake.install();`;
const AFTER = `
fake.restore();`;

const FILES = {
  'suite.cjs': SUITE,
  'before.test.mjs': `${VITEST}${VITEST_LOAD}${START}`,
  'under.test.mjs': `${VITEST}${UNDER}${VITEST_LOAD}${AFTER}${START}`,
  'before.jest.cjs': `${jest('')}${LOAD}${START}`,
  'under.jest.cjs': `${jest('')}${UNDER}${LOAD}${AFTER}${START}`,
  'before-legacy.jest.cjs': `${jest('{ legacyFakeTimers: true }')}${LOAD}${START}`,
  'under-legacy.jest.cjs': `${jest('{ legacyFakeTimers: true }')}${UNDER}${LOAD}${AFTER}${START}`,
  'before.sinon.cjs': `${SINON}${LOAD}${START}${END}`,
  'under.sinon.cjs': `${SINON}${UNDER}${LOAD}${AFTER}${START}${END}`,
  'jest.config.js': `module.exports = { testMatch: ['**/*.jest.cjs'], transform: {}, testTimeout: 20_000 };`,
  'vitest.config.mjs': `export default { test: { include: ['*.test.mjs'], testTimeout: 20_000 } };`,
};

const TESTS = SUITE.split(/^  test\(/m).length - 1;

let tools: string;
let project: string;
beforeAll(async () => {
  tools = await installTools('fake-timers');
  project = await makeProject(tools, FILES);
}, 600_000);
afterAll(() => rm(project, { recursive: true }));

describe(
  'a suite that fakes timers around goldkey, which was loaded before they were installed or under them',
  { timeout: 240_000 },
  () => {
    it.each([
      ['vitest', 2, /Tests +(\d+) passed \(\d+\)/, ['vitest', 'vitest.mjs', 'run', '--no-color']],
      ['jest', 4, /Tests: +(\d+) passed, \d+ total/, ['jest', 'bin/jest.js', '--ci', '--runInBand']],
    ] as const)('passes in %s', async (_, files, summary, [name, path, ...flags]) => {
      const ran = await node([join(tools, 'node_modules', name, path), ...flags], project, { HOME: project });

      const said = ran.stdout + ran.stderr;
      expect([ran.code, summary.exec(said)?.[1]], said).toEqual([0, String(files * TESTS)]);
      // Nor does a timer hold the process once the tests are over.
      expect(said).not.toMatch(/did not exit|warning/i);
    });

    it.each(['before', 'under'])('passes with sinon, in node:test, loaded %s', async (when) => {
      const ran = await node(['--test-reporter=tap', `${when}.sinon.cjs`], project, { HOME: project });

      expect([ran.code, ran.stderr, /^# pass (\d+)$/m.exec(ran.stdout)?.[1]], ran.stdout).toEqual([
        0,
        '',
        String(TESTS + 1),
      ]);
    });
  },
);
