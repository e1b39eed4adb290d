import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { startFakePriceApi, type FakePriceApi } from '../../../src/testing/fake-price-api/server.js';
import { formsOf, run, temporaryFolder, type Ran } from '../run.js';

const OLD = 'sk"old/+&=0123456';
const NEW = 'sk"new/+&=6543210';
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let ring: string;
let local: string[];

beforeEach(async () => {
  folder = await temporaryFolder();
  ring = join(folder.path, 'gold.ring.json');
  local = ['--local', '--master-key', join(folder.path, 'master.key'), '--encryption-context', 'service=gold'];
  await run(['create-key', ...local.slice(0, 3)]);
});
afterEach(() => folder[Symbol.asyncDispose]());

async function rotate(step: string, more: readonly string[] = [], piped?: string): Promise<Ran> {
  const bare = step === 'status' || step === 'due';
  const ran = await run(['rotate', step, '--ring', ring, ...(bare ? [] : local), ...more], {
    ...(piped !== undefined && { piped }),
  });
  for (const form of [...formsOf(OLD), ...formsOf(NEW)]) {
    expect(ran.stdout).not.toContain(form);
    expect(ran.stderr).not.toContain(form);
  }
  return ran;
}

describe('rotate', () => {
  it('takes a ring from its first key to its second, and says at each step where it stands', async () => {
    const init = await rotate('init', [], `${OLD}\n`);
    const staged = await rotate('stage', ['--metadata', 'ticket=OPS-7'], NEW);
    const tried = await rotate('canary', ['--percent', '10']);
    const promoted = await rotate('promote', ['--overlap', '24h']);
    const early = await rotate('retire');
    const retired = await rotate('retire', ['--force', '--json']);

    expect(init).toMatchObject({ code: 0 });
    expect(init.stdout).toMatch(
      /^gold, revision 1\nversion +state +fingerprint +age\nv1 +current +[0-9a-f]{8} +0 minutes\nnext +nothing: v1 is in use/,
    );
    expect(staged.stdout).toMatch(/v2 +pending +[0-9a-f]{8} +0 minutes +0 % of the clients\nnext +canary/);
    expect(tried.stdout).toMatch(/v2 +pending .* 10 % of the clients\nnext +promote/);
    expect(promoted.stdout).toMatch(/v1 +previous .* kept until 2\d{3}-.*\nv2 +current/);
    expect(promoted.stdout).toMatch(/next +wait: v1 is kept until/);
    expect(early).toMatchObject({ code: 1, stdout: '' });
    expect(early.stderr).toContain('`retire` was refused: v1 is kept until');
    expect(JSON.parse(retired.stdout)).toMatchObject({ name: 'gold', revision: 5, current: 'v2', percent: 0 });
    const document = JSON.parse(await readFile(ring, 'utf8')) as { versions: { v2: { metadata: unknown } } };
    expect(document.versions.v2.metadata).toEqual({ ticket: 'OPS-7' });
  });

  it('is told by `price` which version fetched the price, when the promoted key is refused', async () => {
    await using api: FakePriceApi = await startFakePriceApi({ keys: [OLD] });
    await rotate('init', [], OLD);
    await rotate('stage', [], NEW);
    await rotate('promote', ['--overlap', '24h']);

    const price = ['price', 'XAU', '--ring', ring, ...local, '--api-url', api.url];
    const [text, json] = [await run(price), await run([...price, '--json'])];

    expect(text).toMatchObject({ code: 0, stdout: expect.stringContaining('(key v1)') as string });
    expect(JSON.parse(json.stdout)).toMatchObject({ version: 'v1' });
  });

  it('goes back to the key before', async () => {
    await rotate('init', [], OLD);
    await rotate('stage', [], NEW);
    await rotate('promote');

    const ran = await rotate('revert', ['--key-version', 'v1', '--json']);

    expect(JSON.parse(ran.stdout)).toMatchObject({ current: 'v1', previous: 'v2' });
  });

  it('says of a step that had been taken that nothing was done', async () => {
    const done = (step: string) => `\`${step}\` had been taken already: nothing was done.\n`;
    expect((await rotate('init', [], OLD)).stderr).toContain('Created the ring');
    const init = await rotate('init', [], OLD);
    await rotate('stage', [], NEW);
    expect((await rotate('revert')).stderr).toContain('Reverted');
    const revert = await rotate('revert', ['--key-version', 'v2']);

    expect(init).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('revision 1') as string,
      stderr: done('init'),
    });
    expect(revert).toMatchObject({ code: 0, stderr: done('revert') });
  });

  it('says what a cutover loses', async () => {
    await rotate('init', [], OLD);
    await rotate('stage', [], NEW);

    const ran = await rotate('promote', ['--cutover']);

    expect(ran.code).toBe(0);
    expect(ran.stderr).toContain('the account no longer has the old key, so a revert would fail');
  });

  it('shows the ring and tells due from not due without a master key', async () => {
    await rotate('init', [], OLD);

    const status = await rotate('status', ['--json']);
    const notDue = await rotate('due', ['--max-age', '90d']);
    const due = await rotate('due', ['--max-age', '1ms', '--json']);

    expect(JSON.parse(status.stdout)).toMatchObject({ name: 'gold', current: 'v1', versions: [{ state: 'current' }] });
    expect(notDue).toMatchObject({ code: 0, stdout: 'not due: v1 is 0 minutes old\n' });
    expect(due.code).toBe(3);
    expect(JSON.parse(due.stdout)).toMatchObject({ due: true, current: 'v1', maxAge: 1 });
  });

  it('fails, and does not say due, where there is no ring', async () => {
    const ran = await rotate('due', ['--max-age', '90d']);

    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toContain('There is no key ring `gold`');
  });

  describe('with a price API to try keys against', () => {
    let api: FakePriceApi;
    beforeEach(async () => {
      api = await startFakePriceApi({ keys: [OLD] });
    });
    afterEach(() => api.close());

    it('verify and price take the ring in the place of a ciphertext', async () => {
      await rotate('init', [], OLD);
      const verified = await run(['verify', '--ring', ring, ...local, '--json']);
      const priced = await run(['price', '--ring', ring, ...local, '--api-url', api.url, '--json']);
      const both = await run(['verify', '--ring', ring, ...local, '--ciphertext', 'AAAA']);

      expect(JSON.parse(verified.stdout)).toMatchObject({ version: 'v1', length: OLD.length });
      const told = JSON.parse(priced.stdout) as { loads: number };
      expect(told).toMatchObject({ metal: 'XAU', version: 'v1' });
      // The watch of the ring begins with a notice, and the load it asks for comes within a second, now and then at once.
      expect([1, 2]).toContain(told.loads);
      expect(both).toMatchObject({ code: 2, stdout: '' });
      for (const form of formsOf(OLD)) expect(verified.stdout + priced.stdout).not.toContain(form);
    });

    it('leaves a key that is refused rejected', async () => {
      await rotate('init', [], OLD);

      const ran = await rotate('stage', ['--api-url', api.url, '--verbose'], NEW);
      const status = await rotate('status');

      expect(ran.code).toBe(1);
      expect(ran.stderr).toContain(
        'The price API refused v2. No client uses it: stage the right one with `npx goldkey rotate stage`.',
      );
      expect(status.stdout).toMatch(/v2 +rejected/);
    });
  });
});

describe('the name of a ring', () => {
  it('must be unique, as init says, and whether it was taken from --ring', async () => {
    const taken = await rotate('init', [], OLD);
    await rm(ring);
    const given = await rotate('init', ['--name', 'gold'], OLD);

    for (const { stderr } of [taken, given]) {
      expect(stderr).toContain('The name `gold` must be unique per master key and EncryptionContext');
    }
    expect(taken.stderr).toContain('It was taken from --ring');
    expect(given.stderr).not.toContain('It was taken');
  });

  it.each([
    ['status', []],
    ['due', ['--max-age', '90d']],
    ['stage', []],
    ['canary', ['--percent', '10']],
    ['promote', []],
    ['revert', []],
    ['retire', ['--force']],
  ])('that another team gave is refused by %s', async (step, more) => {
    await rotate('init', ['--name', 'silver'], OLD);
    const before = await readFile(ring, 'utf8');

    const ran = await rotate(step, more, step === 'stage' ? NEW : undefined);

    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toContain(
      "The store holds the key ring `silver`, not `gold`: it may be another team's; correct --ring or --name.",
    );
    expect(await readFile(ring, 'utf8')).toBe(before);
  });
});

describe('a ring from a host whose clock is ahead', () => {
  it('is shown and reverted; other steps need --force, and warn', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    onTestFinished(() => warn.mockRestore());
    await rotate('init', [], OLD);
    await rotate('stage', [], NEW);
    const ahead = new Date(Date.now() + 3_600_000).toISOString();
    const text = await readFile(ring, 'utf8');
    await writeFile(ring, text.replaceAll(/"createdAt": "[^"]+"/g, `"createdAt": "${ahead}"`));

    const refused = await rotate('canary', ['--percent', '10']);
    const forced = await rotate('canary', ['--percent', '10', '--force']);
    const read = [await rotate('status'), await rotate('due', ['--max-age', '90d'])];
    const reverted = await rotate('revert');

    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/more than 5 minutes ahead of this clock; check the clocks .*--force/);
    expect(forced.stdout).toContain('10 % of the clients');
    expect(warn).toHaveBeenCalledOnce();
    expect([...read, reverted].map(({ code }) => code)).toEqual([0, 0, 0]);
  });
});

describe('wrong use of rotate', () => {
  it.each([
    [['init'], '--ring, --key-id, and --encryption-context are required'],
    [['status', '--ring', 'ftp://somewhere'], '--ring must be a file'],
    [['init', '--ring', 'gold.json', '--local', '--encryption-context', '{}'], '--master-key is required'],
    [['canary', '--ring', 'gold.json'], '--percent is required'],
    [['canary', '--ring', 'gold.json', '--percent', 'ten'], '--percent must be a number from 0 to 100'],
    [['due', '--ring', 'gold.json'], '--max-age is required'],
    [['due', '--ring', 'gold.json', '--max-age', '90'], '--max-age must be a time'],
    [['status', '--ring', 'redis://127.0.0.1:1'], '--name is required'],
    [['status', '--ring', 'vault://secret'], 'must name a mount and a path'],
    [
      [
        'stage',
        '--ring',
        'gold.json',
        '--revision',
        '0',
        ...['--local', '--master-key', 'm', '--encryption-context', '{}'],
      ],
      '--revision must be',
    ],
    [['stage', NEW, '--ring', 'gold.json'], 'A key never comes from the command line'],
    [['turn'], 'there are init, stage, canary, promote, revert, retire, status, due'],
    [['status', '--rong'], 'There is no option --rong. Did you mean --ring?'],
  ])('%s exits 2', async (argv, message) => {
    const ran = await run(['rotate', ...argv]);

    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain(message);
    expect(ran.stderr).not.toContain(NEW);
  });

  it('a step of a wrong percentage exits 2', async () => {
    await rotate('init', [], OLD);
    await rotate('stage', [], NEW);

    const ran = await rotate('canary', ['--percent', '101']);

    expect(ran.code).toBe(2);
  });

  it('no step at all shows the help and exits 2', async () => {
    const ran = await run(['rotate']);

    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain('Usage: goldkey rotate');
  });
});
