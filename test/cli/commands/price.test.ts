import { once } from 'node:events';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { computeFingerprint } from '../../../src/core/index.js';
import {
  manualClock,
  startFakeKms,
  startFakePriceApi,
  type FakeKms,
  type FakePriceApi,
} from '../../../src/testing/index.js';
import { built, missing, start } from '../../examples/start-example.js';
import { begin, formsOf, run, temporaryFolder, type Started } from '../run.js';

const KEY = 'sk"test/+&=0123456';
const NEXT = 'sk"next/+&=0123456';
const context = ['--encryption-context', 'service=gold-data-stream'];
const GOLD = '2199.5135616442817';
const INTERRUPTED = 'Interrupted.';
const INTERRUPTED_JSON = `${JSON.stringify({
  error: { code: 'ERR_INTERRUPTED', message: INTERRUPTED, advice: 'Run the command again to go on.' },
})}\n`;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let api: FakePriceApi;
let local: string[];
let file: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  local = ['--local', '--master-key', join(folder.path, 'master.key')];
  file = join(folder.path, 'key.enc');
  await run(['create-key', ...local]);
});
beforeEach(async () => {
  api = await startFakePriceApi({ keys: [KEY] });
  await store(KEY);
});
afterEach(() => api.close());
afterAll(() => folder[Symbol.asyncDispose]());

const encrypted = async (key: string): Promise<string> =>
  (await run(['encrypt', ...local, ...context], { piped: key })).stdout;

/** Puts a key's ciphertext in the place of the other's, whole. */
async function store(key: string): Promise<void> {
  await writeFile(`${file}.new`, await encrypted(key));
  await rename(`${file}.new`, file);
}

const priceOf = (...argv: string[]): string[] => [
  'price',
  ...argv,
  ...local,
  ...context,
  '--ciphertext-file',
  file,
  '--api-url',
  api.url,
];

function expectNoKey(...texts: string[]): void {
  for (const form of [KEY, NEXT].flatMap(formsOf)) for (const text of texts) expect(text).not.toContain(form);
}

const linesOf = (text: string): string[] => text.split('\n').slice(0, -1);
const quotesOf = (text: string): Array<Record<string, unknown>> =>
  linesOf(text).map((line) => JSON.parse(line) as Record<string, unknown>);

/** Waits until that many lines are out. */
const lines = (of: () => string, count: number): Promise<void> =>
  expect.poll(() => linesOf(of()).length, { timeout: 10_000 }).toBe(count);

describe('price', () => {
  it('of several metals is one line each, from one request, with four digits at most', async () => {
    const ran = await run(priceOf('XAU', 'XAG', 'XPD'));

    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(linesOf(ran.stdout)).toEqual([
      expect.stringMatching(new RegExp(`^XAU 2199\\.5136 USD per troy ounce, \\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z$`)),
      expect.stringMatching(/^XAG 25\.34 USD per troy ounce, /),
      expect.stringMatching(/^XPD 1012\.50 USD per troy ounce, /),
    ]);
    expect(api.calls).toHaveLength(1);
    expectNoKey(ran.stdout);
  });

  it('may be asked for in small letters', async () => {
    const ran = await run(priceOf('xag', 'Xau'));

    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(linesOf(ran.stdout)).toEqual([expect.stringMatching(/^XAG /), expect.stringMatching(/^XAU /)]);
    expectNoKey(ran.stdout);
  });

  it('with --json is one object a line, with the same fields as of one metal', async () => {
    const several = await run(priceOf('XAU', 'XAG', '--json'));
    const one = await run(priceOf('--json'));

    const quotes = quotesOf(several.stdout);
    expect(quotes).toMatchObject([
      { metal: 'XAU', price: Number(GOLD), store: 'local', loads: 1, fingerprint: computeFingerprint(KEY) },
      { metal: 'XAG', price: 25.34, requestMs: expect.any(Number), version: expect.stringMatching(/^c-/) },
    ]);
    const fields = 'metal currency price unit timestamp source direction requestMs store loads version fingerprint';
    for (const quote of [...quotes, ...quotesOf(one.stdout)]) expect(Object.keys(quote).join(' ')).toBe(fields);
    expectNoKey(several.stdout, one.stdout);
  });

  it('of a metal the API does not know is one error line, and no price of the others', async () => {
    const ran = await run(priceOf('XAU', 'RUTH'));
    expect(ran).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^goldkey: metals-api [^\n]+\n$/) });
  });

  it.each([
    [['long-ish'], /A symbol is of capital letters/],
    [['XAU', KEY], /a key never comes from the command line/],
    [[''], /A symbol/],
    [['EUR'], /Each symbol must be a metal's: `XAU`, /],
    [['XAU', 'GOLD'], /Each symbol must be a metal's/],
    [['--watch', '500ms'], /--watch must be from 1s to 24d/],
    [['--watch', '30d'], /--watch must be from 1s to 24d/],
    [['--watch', KEY], /--watch must be a time such as/],
    [['--watch', 'XAU'], /--watch must be a time such as/],
  ])('%j is wrong usage, before a key is asked for', async (argv, message) => {
    const ran = await run(['price', ...argv]);
    expect(ran).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(message) });
    expectNoKey(ran.stderr);
  });
});

describe('price --watch', () => {
  const clock = (): ReturnType<typeof manualClock> => manualClock(Date.now());
  const running: Started[] = [];
  const watchWith = (argv: string[], time: ReturnType<typeof manualClock>): Started => {
    const started = begin(argv, { clock: time });
    running.push(started);
    return started;
  };
  afterEach(async () => {
    for (const { signal } of running) signal('SIGTERM');
    await Promise.all(running.splice(0).map(({ ended }) => ended));
  });

  it('asks again every minute with the key it has, and ends with 130 at Ctrl-C', async () => {
    const time = clock();
    const watching = watchWith(priceOf('XAU', 'XAG', '--json', '--watch'), time);
    await lines(watching.out, 2);
    await time.advance(59_999);
    expect(api.calls).toHaveLength(1);
    await time.advance(1);
    await lines(watching.out, 4);
    watching.signal('SIGINT');
    const ran = await watching.ended;

    expect(ran).toMatchObject({ code: 130, stderr: INTERRUPTED_JSON });
    expect(quotesOf(ran.stdout).map(({ metal, loads }) => `${String(metal)} ${String(loads)}`)).toEqual([
      'XAU 1',
      'XAG 1',
      'XAU 1',
      'XAG 1',
    ]);
    expect(api.calls).toHaveLength(2);
    expect(watching.listeners()).toBe(0);
    expectNoKey(ran.stdout);
  });

  it('takes its interval, and prints a line a quote', async () => {
    const time = clock();
    const watching = watchWith(priceOf('--watch', '5s'), time);
    await lines(watching.out, 1);
    await time.advance(5_000);
    await lines(watching.out, 2);
    watching.signal('SIGTERM');

    const { code, stdout } = await watching.ended;
    expect(code).toBe(0);
    for (const line of linesOf(stdout)) expect(line).toMatch(/^XAU 2199\.5136 USD per troy ounce, \d{4}-/);
  });

  it('a key rotated in the middle is read from its file again: one 401, and no round is lost', async () => {
    const time = clock();
    const watching = watchWith(priceOf('--json', '--watch', '5s'), time);
    await lines(watching.out, 1);
    await store(NEXT);
    api.accept(NEXT);
    api.revoke(KEY);
    for (const round of [2, 3]) {
      await time.advance(5_000);
      await lines(watching.out, round);
    }
    watching.signal('SIGINT');
    const ran = await watching.ended;

    expect(ran).toMatchObject({ code: 130, stderr: INTERRUPTED_JSON });
    expect(quotesOf(ran.stdout).map(({ fingerprint }) => fingerprint)).toEqual(
      [KEY, NEXT, NEXT].map((key) => computeFingerprint(key)),
    );
    expect(api.calls.map(({ status }) => status)).toEqual([200, 401, 200, 200]);
    expectNoKey(ran.stdout, ran.stderr);
  });

  it('a failed round is one line on stderr, and the next one follows', async () => {
    const time = clock();
    const watching = watchWith(priceOf('--json', '--watch', '5s'), time);
    await lines(watching.out, 1);
    api.inject('plan');
    await time.advance(5_000);
    await lines(watching.err, 1);
    await rename(file, `${file}.away`);
    api.revoke(KEY);
    await time.advance(5_000);
    await lines(watching.err, 2);
    await rename(`${file}.away`, file);
    api.accept(KEY);
    await time.advance(5_000);
    await lines(watching.out, 2);
    watching.signal('SIGINT');
    const ran = await watching.ended;

    expect(ran.code).toBe(130);
    expect(linesOf(ran.stderr)).toEqual([
      expect.stringMatching(/metals-api says that the plan of this key/),
      expect.stringMatching(/^{"error":{/),
      INTERRUPTED_JSON.trim(),
    ]);
    expectNoKey(ran.stdout, ran.stderr);
  });

  it('--verbose tells the causes of a failed round, without the key', async () => {
    const time = clock();
    const watching = watchWith(['--verbose', ...priceOf('--watch', '5s')], time);
    await lines(watching.out, 1);
    // Three attempts; the first, on the kept connection, is sent twice.
    api.inject('reset', { times: 4 });
    await time.advance(5_000);
    await expect
      .poll(async () => {
        await time.advance(100);
        return watching.err();
      })
      .toMatch(/^goldkey: metals-api could not be reached .*\n {2}caused by /);
    watching.signal('SIGINT');

    expect((await watching.ended).code).toBe(130);
    expectNoKey(watching.err());
  });

  it.each([
    ['a fault that may pass', 'http-500', 'failed for the moment'],
    ['a volume used up', 'quota', 'volume'],
  ] as const)('goes on after %s in the first round', async (_, fault, says) => {
    api.inject(fault, { times: fault === 'quota' ? 1 : 3 });
    const time = clock();
    const watching = watchWith(priceOf('--watch', '5s'), time);
    await expect
      .poll(async () => {
        // The waits between its retries are on this clock.
        await time.advance(100);
        return watching.err();
      })
      .toContain(says);
    await time.advance(5_000);
    await lines(watching.out, 1);
    watching.signal('SIGINT');

    expect((await watching.ended).code).toBe(130);
  });

  it.each([
    ['a key that is refused', [], 'Get the current key from the vendor'],
    ['a ciphertext that does not open', ['--encryption-context', 'more=1'], 'EncryptionContext|--encryption-context'],
  ])('ends with 1 at %s in the first round', async (_, more, says) => {
    api.revoke(KEY);
    const ran = await begin(priceOf('--watch', '5s', ...more), { clock: clock() }).ended;

    expect(ran).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(says) });
    expect(linesOf(ran.stderr)).toHaveLength(1);
    expectNoKey(ran.stderr);
  });

  it('a slow round does not overlap the next, and the missed ones are not made up for', async () => {
    const time = clock();
    const watching = watchWith(priceOf('--watch', '7s'), time);
    await lines(watching.out, 1);
    api.inject('slow');
    await time.advance(7_000);
    await expect.poll(() => api.calls.length).toBe(2);
    await time.advance(19_999);
    expect(watching.err()).toBe('');
    await time.advance(1);
    await lines(watching.err, 1);
    await time.advance(999);
    expect(api.calls).toHaveLength(2);
    await time.advance(1);
    await lines(watching.out, 2);
    await time.advance(6_999);
    watching.signal('SIGINT');

    expect((await watching.ended).stderr).toContain('The call did not end within its `timeout`');
    expect(api.calls).toHaveLength(3);
  });

  it('SIGINT in the middle of a round ends it at once, with one sentence', async () => {
    api.inject('slow');
    const watching = watchWith(priceOf('--watch', '5s'), clock());
    await expect.poll(() => api.calls.length).toBe(1);
    watching.signal('SIGINT');

    expect(await watching.ended).toMatchObject({
      code: 130,
      stdout: '',
      stderr: `goldkey: ${INTERRUPTED}\n`,
    });
  });

  it('nobody who reads is a good end, too', async () => {
    const watching = watchWith(priceOf('--watch', '5s'), clock());
    await lines(watching.out, 1);
    watching.stdout.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));

    expect(await watching.ended).toMatchObject({ code: 0, stderr: '' });
    expect(watching.listeners()).toBe(0);
  });
});

describe('price against KMS', () => {
  let kms: FakeKms;
  beforeEach(async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'invented');
    kms = await startFakeKms();
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await kms.close();
  });

  it('--watch ends when somebody leaves the prompt for an MFA code', async () => {
    const profiles = [
      '[profile base]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = invented',
      '[profile mfa]\nrole_arn = arn:aws:iam::111122223333:role/reader\nsource_profile = base',
      'mfa_serial = arn:aws:iam::111122223333:mfa/ada\nregion = us-east-1\n',
    ];
    await writeFile(join(folder.path, 'config'), profiles.join('\n'));
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
    vi.stubEnv('AWS_CONFIG_FILE', join(folder.path, 'config'));
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder.path, 'none'));
    vi.stubEnv('AWS_ENDPOINT_URL_STS', 'http://127.0.0.1:9');
    const from = ['--ciphertext', kms.encrypt(KEY, {}), '--encryption-context', '{}', '--profile', 'mfa'];
    const argv = ['price', ...from, '--endpoint-url', kms.url, '--region', kms.region, '--watch'];

    const ran = await begin(argv, { typed: '\u0003', clock: manualClock() }).ended;

    expect(ran).toMatchObject({ code: 130, stdout: '', raw: [true, false] });
    expect(linesOf(ran.stderr)).toHaveLength(2);
  });

  it('--watch decrypts once for many rounds, and once more after a rotation', async () => {
    const time = manualClock(Date.now());
    const stored = (key: string): string => kms.encrypt(key, { service: 'gold-data-stream' });
    await writeFile(file, stored(KEY));
    const at = ['--endpoint-url', kms.url, '--region', kms.region];
    const argv = ['price', 'XAG', ...context, '--ciphertext-file', file, ...at, '--api-url', api.url];
    const watching = begin([...argv, '--json', '--watch', '1s'], { clock: time });
    for (const round of [1, 2, 3, 4]) {
      await lines(watching.out, round);
      if (round === 2) {
        await writeFile(file, stored(NEXT));
        api.accept(NEXT);
        api.revoke(KEY);
      }
      await time.advance(1_000);
    }
    watching.signal('SIGINT');
    const ran = await watching.ended;

    expect(ran).toMatchObject({ code: 130, stderr: INTERRUPTED_JSON });
    expect(quotesOf(ran.stdout)[3]).toMatchObject({ store: 'kms', loads: 2, fingerprint: computeFingerprint(NEXT) });
    expect(kms.requests.map(({ operation }) => operation)).toEqual(['Decrypt', 'Decrypt']);
    expect(api.calls.filter(({ status }) => status === 401)).toHaveLength(1);
    expectNoKey(ran.stdout, ran.stderr);
  });
});

describe.skipIf(!built)(`the published command ${missing}`, () => {
  const startBin = (argv: readonly string[]): ReturnType<typeof start> =>
    start(['dist/esm/cli/bin.js', ...argv], { PATH: process.env['PATH'] ?? '' });

  it('watches over the rotation of a ring: a line a quote, no error, one 401, and Ctrl-C ends it with one sentence', async () => {
    const ring = ['--ring', join(folder.path, 'gold.ring.json'), ...local, ...context];
    await run(['rotate', 'init', ...ring], { piped: KEY });
    const { child, output } = startBin([
      'price',
      'XAU',
      'XAG',
      ...ring,
      '--api-url',
      api.url,
      '--json',
      '--watch',
      '1s',
    ]);
    await lines(() => output.stdout, 2);
    // The vendor replaces the key at once, as some do: the ring knows first, the clients only when they are refused.
    api.accept(NEXT);
    for (const [step, piped] of [
      ['stage', NEXT],
      ['promote', ''],
    ] as const) {
      expect((await run(['rotate', step, ...ring], { piped })).code).toBe(0);
    }
    api.revoke(KEY);
    await expect
      .poll(() => quotesOf(output.stdout).at(-1)?.['fingerprint'], { timeout: 10_000 })
      .toBe(computeFingerprint(NEXT));
    const before = linesOf(output.stdout).length;
    await expect.poll(() => linesOf(output.stdout).length, { timeout: 10_000 }).toBeGreaterThan(before);
    child.kill('SIGINT');

    expect(await once(child, 'close')).toEqual([130, null]);
    expect(output.stderr).toBe(INTERRUPTED_JSON);
    expect(new Set(quotesOf(output.stdout).map(({ fingerprint }) => fingerprint)).size).toBe(2);
    expect(api.calls.filter(({ status }) => status !== 200).length).toBeLessThanOrEqual(1);
    expectNoKey(output.stdout);
  });

  it('watches over a ciphertext that is replaced: one 401', async () => {
    const { child, output } = startBin(priceOf('--json', '--watch', '1s'));
    await lines(() => output.stdout, 1);
    await store(NEXT);
    api.accept(NEXT);
    api.revoke(KEY);
    await expect.poll(() => linesOf(output.stdout).length, { timeout: 10_000 }).toBeGreaterThan(2);
    child.kill('SIGINT');

    expect(await once(child, 'close')).toEqual([130, null]);
    expect(output.stderr).toBe(INTERRUPTED_JSON);
    expect(quotesOf(output.stdout).at(-1)).toMatchObject({ fingerprint: computeFingerprint(NEXT), loads: 2 });
    expect(api.calls.filter(({ status }) => status === 401)).toHaveLength(1);
    const good = api.calls.filter(({ status }) => status === 200).length;
    expect([good, good - 1]).toContain(linesOf(output.stdout).length);
    expectNoKey(output.stdout);
  });

  it('ends well when nobody reads its output any more', async () => {
    const { child, output } = startBin(priceOf('XAU', 'XAG', '--watch', '1s'));
    await lines(() => output.stdout, 2);
    child.stdout.destroy();

    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(output.stderr).toBe('');
  });
});
