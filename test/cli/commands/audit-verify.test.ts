import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { audit, fileSink } from '../../../src/audit/index.js';
import { setUp } from '../../core/helpers.js';
import { run, temporaryFolder } from '../run.js';

const CHAIN_KEY = new TextEncoder().encode('a chain key of thirty-two bytes!');

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
/** The files of a rotated log, oldest first. */
let files: [string, string];
let keyFile: string;
const at = (index: number): number => index + 1;

beforeAll(async () => {
  folder = await temporaryFolder();
  files = [join(folder.path, 'audit.1.ndjson'), join(folder.path, 'audit.ndjson')];
  keyFile = join(folder.path, 'chain.key');
  await writeFile(keyFile, CHAIN_KEY);
});
afterAll(() => folder[Symbol.asyncDispose]());

beforeEach(async () => {
  await Promise.all(files.map((file) => writeFile(file, '')));
  const { gold, clock } = setUp();
  const log = audit(gold, fileSink(files[1], { fsync: 'never' }), { chainKey: CHAIN_KEY, usageInterval: 1_000 });
  for (let round = 0; round < 10; round++) {
    await gold.getPrice();
    await clock.advance(1_000);
    if (round !== 4) continue;
    await log.flush();
    await rename(files[1], files[0]);
    await log.reopen();
  }
  await log.close();
});

async function change(file: string, edit: (lines: string[]) => string[]): Promise<void> {
  const lines = (await readFile(file, 'utf8')).split('\n');
  await writeFile(file, edit(lines).join('\n'));
}

describe('goldkey audit verify', () => {
  it('exits with 0 for a log that is whole, in one file or several', async () => {
    const ran = await run(['audit', 'verify', ...files]);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toMatch(/^ok: \d+ records, and no line is missing or changed\n$/);
    for (const file of files) expect((await run(['audit', 'verify', file, '--chain-key-file', keyFile])).code).toBe(0);
    const json = await run(['audit', 'verify', ...files, '--json', '--chain-key-file', keyFile]);
    expect(JSON.parse(json.stdout)).toEqual({ ok: true, records: expect.any(Number) as number, ended: true });
  });

  it('does not claim that nothing is missing after the last line of a log without an end', async () => {
    const [older, newer] = files;
    const between =
      /^ok: \d+ records, and none between the first and the last is missing or changed; the log has no end \(`closed`\), so lines may be missing after the last/;
    await change(newer, (lines) => lines.slice(0, -3));
    const cut = await run(['audit', 'verify', ...files]);
    expect(cut).toMatchObject({ code: 0, stderr: '' });
    expect(cut.stdout).toMatch(between);
    expect(cut.stdout).toContain('--chain-key-file');
    const json = await run(['audit', 'verify', ...files, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: true, ended: false });

    // It ends with a checkpoint, behind which a key would show nothing either.
    const part = await run(['audit', 'verify', older]);
    expect(part).toMatchObject({ code: 0, stdout: expect.stringMatching(between) as string });
    expect(part.stdout).not.toContain('--chain-key-file');
  });

  it('takes `closed` for the end of a log whose checkpoint after it is cut off', async () => {
    await change(files[1], (lines) => lines.slice(0, -2));
    expect((await run(['audit', 'verify', ...files])).stdout).toMatch(/and no line is missing or changed\n$/);
  });

  it.each([
    ['a changed line', 3, (lines: string[]) => lines.with(3, (lines[3] as string).replace('v1', 'v2'))],
    ['a line that is missing', 2, (lines: string[]) => lines.toSpliced(2, 1)],
    ['two lines swapped', 2, (lines: string[]) => lines.toSpliced(2, 2, lines[3] as string, lines[2] as string)],
    ['a torn line', 4, (lines: string[]) => lines.with(4, '{"v":1')],
  ])('exits with 3 and names file and line of %s', async (_, index, edit) => {
    for (const file of files) {
      const before = await readFile(file, 'utf8');
      await change(file, edit);
      const ran = await run(['audit', 'verify', ...files]);
      const json = await run(['audit', 'verify', ...files, '--json']);
      await writeFile(file, before);

      expect(ran).toMatchObject({ code: 3, stderr: '' });
      expect(ran.stdout).toContain(`broken: \`${file}\`, line ${String(at(index))}, `);
      expect(json.code).toBe(3);
      expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, file, brokenAt: at(index) });
    }
  });

  it('tells of files given twice, or the newest first', async () => {
    const [older, newer] = files;
    const twice = await run(['audit', 'verify', older, newer, older, '--chain-key-file', keyFile]);
    expect(twice).toMatchObject({ code: 3, stdout: `broken: \`${older}\`, line 1, is in the log twice\n` });
    const swapped = await run(['audit', 'verify', newer, older, '--chain-key-file', keyFile]);
    expect(swapped.code).toBe(3);
    expect(swapped.stdout).toContain('stands behind a later line: give the files oldest first');
  });

  it('finds an end that was cut off, with the chain key', async () => {
    const [, newer] = files;
    await change(newer, (lines) => lines.slice(0, -3));
    expect((await run(['audit', 'verify', ...files])).code).toBe(0);
    const cut = await run(['audit', 'verify', ...files, '--chain-key-file', keyFile]);
    expect(cut.code).toBe(3);
    expect(cut.stdout).toMatch(/audit\.ndjson`, line \d+, is the last of its writer and no checkpoint/);
  });

  it.each(['base64', 'base64url', 'hex'] as const)('says that a chain key in %s is no raw one', async (encoding) => {
    const textFile = join(folder.path, `${encoding}.key`);
    await writeFile(textFile, `${Buffer.from(CHAIN_KEY).toString(encoding)}\n`);
    const ran = await run(['audit', 'verify', ...files, '--chain-key-file', textFile]);
    expect(ran).toMatchObject({ code: 3, stderr: '' });
    expect(ran.stdout).toMatch(
      /`mac` is wrong or missing; the file of --chain-key-file looks like base64 or hex, and must hold the raw bytes: decode it\n$/,
    );

    await writeFile(textFile, new Uint8Array(32).fill(7));
    const raw = await run(['audit', 'verify', ...files, '--chain-key-file', textFile]);
    expect(raw.stdout).toMatch(/`mac` is wrong or missing\n$/);
  });

  it('a log without records is not whole', async () => {
    await writeFile(files[0], '\n');
    expect(await run(['audit', 'verify', files[0]])).toMatchObject({
      code: 3,
      stdout: 'broken: there are no records\n',
    });
    expect(JSON.parse((await run(['audit', 'verify', files[0], '--json'])).stdout)).toMatchObject({
      ok: false,
      records: 0,
    });
  });

  it('a file that cannot be read is an error, and a missing file name or key is wrong usage', async () => {
    const missing = join(folder.path, 'none.ndjson');
    expect(await run(['audit', 'verify', missing])).toMatchObject({
      code: 1,
      stderr: `goldkey: \`${missing}\` could not be read (ENOENT); check the path and its mode.\n`,
    });
    expect((await run(['audit', 'verify', files[0], '--chain-key-file', missing])).code).toBe(1);
    await writeFile(join(folder.path, 'empty.key'), '');
    expect((await run(['audit', 'verify', files[0], '--chain-key-file', join(folder.path, 'empty.key')])).code).toBe(2);
    expect((await run(['audit', 'verify'])).code).toBe(2);
    expect((await run(['audit'])).code).toBe(2);
  });

  it('shows no text that could be a key, given in place of a file', async () => {
    const secret = 'sk-typed-by-mistake-0123';
    const ran = await run(['audit', 'verify', secret]);
    expect(ran.code).toBe(1);
    expect(ran.stdout + ran.stderr).not.toContain(secret);
  });
});
