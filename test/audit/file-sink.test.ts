import { appendFile, chmod, mkdir, open, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { audit, fileSink, verifyAudit, type AuditRecord } from '../../src/audit/index.js';
import { assertNoSecret } from '../../src/testing/index.js';
import { FIRST, setUp } from '../core/helpers.js';
import { temporaryFolder } from '../cli/run.js';
import { each } from './scene.js';

const linesOf = async (path: string): Promise<string[]> => (await readFile(path, 'utf8')).split('\n').slice(0, -1);
const verifyFiles = async (...paths: string[]) => verifyAudit(each((await Promise.all(paths.map(linesOf))).flat()));
const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

/** Runs a log over a file once: a load, a use, the end. */
async function runOnce(path: string, errors: unknown[] = []): Promise<void> {
  const { gold } = setUp();
  const log = audit(gold, fileSink(path), { onError: (error) => void errors.push(error) });
  await gold.getPrice();
  await gold.close();
  await log.close();
}

afterEach(() => {
  vi.restoreAllMocks();
});

/** What all open files inherit, for the faults that a disk has. */
async function fileHandlePrototype(): Promise<FileHandle> {
  const handle = await open(import.meta.filename);
  await handle.close();
  return Object.getPrototypeOf(handle) as FileHandle;
}
const fault = (code: string) => Object.assign(new Error(`${code}: a fault of the disk`), { code });

describe('a disk that fails', () => {
  /** Half a line is written, and then nothing any more. */
  async function writeHalf(): Promise<void> {
    const prototype = await fileHandlePrototype();
    const write = prototype.write as (bytes: Buffer, offset: number, length: number) => Promise<object>;
    vi.spyOn(prototype, 'write')
      .mockImplementationOnce(function (this: FileHandle, bytes: unknown) {
        return write.call(this, bytes as Buffer, 0, 10) as never;
      } as never)
      .mockRejectedValueOnce(fault('ENOSPC'));
  }

  it('in the middle of a line: no part of the line stays, and it is written whole once there is room', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'lines');
    const sink = fileSink(path);
    await sink.write('the first line');
    await writeHalf();
    await expect(sink.write('the second line')).rejects.toThrow(/because the disk is full/);
    expect(await readFile(path, 'utf8')).toBe('the first line\n');
    await sink.write('the second line');
    await sink.close?.();
    expect(await readFile(path, 'utf8')).toBe('the first line\nthe second line\n');
  });

  it.each(['the part cannot be removed', 'another process has written behind it'])(
    'in the middle of a line, and %s: the next line stands on its own',
    async (kind) => {
      await using folder = await temporaryFolder();
      const path = join(folder.path, 'lines');
      const sink = fileSink(path);
      await sink.write('the first line');
      await writeHalf();
      const prototype = await fileHandlePrototype();
      if (kind.startsWith('the')) vi.spyOn(prototype, 'truncate').mockRejectedValueOnce(fault('EIO'));
      else {
        const stats = prototype.stat as () => Promise<{ size: number }>;
        let turn = 0;
        vi.spyOn(prototype, 'stat').mockImplementation(async function (this: FileHandle) {
          const found = await stats.call(this);
          return Object.assign(found, { size: found.size + turn++ });
        } as never);
      }
      await expect(sink.write('the second line')).rejects.toThrow(/because the disk is full/);
      await sink.write('the third line');
      await sink.write('the fourth line');
      await sink.close?.();
      expect(await readFile(path, 'utf8')).toBe('the first line\nthe second\nthe third line\nthe fourth line\n');
    },
  );

  it('to sync: the line is taken back and does not count as written', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'lines');
    const sink = fileSink(path);
    vi.spyOn(await fileHandlePrototype(), 'datasync').mockRejectedValueOnce(fault('EIO'));
    await expect(sink.write('the first line')).rejects.toThrow(/could not be used \(EIO\)/);
    expect(await readFile(path, 'utf8')).toBe('');
    await sink.write('the first line');
    await sink.close?.();
    expect(await readFile(path, 'utf8')).toBe('the first line\n');
  });
});

describe('fileSink', () => {
  it('writes whole lines that only the owner can read, none of them with the key', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'audit.ndjson');
    await runOnce(path);

    expect(await modeOf(path)).toBe(0o600);
    const text = await readFile(path, 'utf8');
    expect(text).toMatch(/\}\n$/);
    assertNoSecret(text, FIRST);
    expect((await linesOf(path)).map((line) => (JSON.parse(line) as AuditRecord).event)).toEqual([
      ...['opened', 'key.loaded', 'key.used', 'closed', 'checkpoint'],
    ]);
  });

  it('takes from a file that exists the rights that are more than its mode', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'audit.ndjson');
    await writeFile(path, '');
    await chmod(path, 0o666);
    const sink = fileSink(path, { mode: 0o640, fsync: 'never' });
    await sink.write('{}');
    await sink.close?.();
    expect(await modeOf(path)).toBe(0o640);
    await runOnce(path);
    expect(await modeOf(path)).toBe(0o600);
  });

  it('goes on with the chain of the file', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'audit.ndjson');
    for (let run = 0; run < 3; run++) await runOnce(path);

    expect(await verifyFiles(path)).toEqual({ records: 15, ok: true });
    const lines = await linesOf(path);
    await writeFile(path, `${lines.toSpliced(4, 1).join('\n')}\n`);
    expect(await verifyFiles(path)).toMatchObject({ ok: false, brokenAt: 5 });
  });

  it('finds the last line of a large file, and one that is longer than a read', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'audit.ndjson');
    const { gold } = setUp();
    const log = audit(gold, fileSink(path), { actor: 'x'.repeat(300_000) });
    await log.close();
    await runOnce(path);

    expect(await verifyFiles(path)).toMatchObject({ ok: true });
  });

  it('a torn last line stays, is reported, and the next record stands on a line of its own', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'audit.ndjson');
    await runOnce(path);
    await appendFile(path, '{"v":1,"id":"torn');
    await runOnce(path);

    const lines = await linesOf(path);
    expect(lines[5]).toBe('{"v":1,"id":"torn');
    expect(JSON.parse(lines[6] as string)).toMatchObject({ event: 'opened', seq: 1 });
    expect(await verifyFiles(path)).toMatchObject({ ok: false, brokenAt: 6 });
    expect(await verifyAudit(each(lines.toSpliced(5, 1)))).toEqual({ records: 10, ok: true });
  });

  it('a file that is renamed under load loses nothing, and the new one goes on with its chain', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'audit.ndjson');
    const { gold, clock } = setUp();
    const log = audit(gold, fileSink(path, { fsync: 'never' }));
    const reopened: Array<Promise<void>> = [log.flush()];
    for (let round = 0; round < 60; round++) {
      await gold.getPrice();
      gold.evict();
      await clock.advance(2_000);
      if (round % 20 === 10) {
        // Each file has to be there before it can be renamed.
        await Promise.all(reopened);
        await rename(path, `${path}.${String(round)}`);
        reopened.push(log.reopen());
      }
    }
    await Promise.all(reopened);
    await log.close();

    const files = [`${path}.10`, `${path}.30`, `${path}.50`, path];
    const records = (await Promise.all(files.map(linesOf))).flat().map((line) => JSON.parse(line) as AuditRecord);
    expect(records.map(({ seq }) => seq)).toEqual(records.map((_, index) => index + 1));
    expect(records.filter(({ event }) => event === 'key.loaded')).toHaveLength(60);
    expect(await verifyFiles(...files)).toEqual({ records: records.length, ok: true });
    for (const file of files) expect(await verifyFiles(file), file).toMatchObject({ ok: true });
    expect(await verifyFiles(...files.toSpliced(1, 1))).toMatchObject({ ok: false });
  });

  it('a file that is removed while it is open is made anew: the records from there on are in it', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'audit.ndjson');
    const { gold } = setUp();
    const log = audit(gold, fileSink(path));
    await gold.getPrice();
    await log.flush();
    await rm(path);
    await gold.getPrice();
    await gold.close();
    await log.close();

    const events = (await linesOf(path)).map((line) => (JSON.parse(line) as { event: string }).event);
    expect(events).toEqual(['opened', 'key.used', 'closed', 'checkpoint']);
    expect(await verifyFiles(path)).toEqual({ records: 4, ok: true });
  });

  it('two logs on one file: both chains hold', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'audit.ndjson');
    await Promise.all([runOnce(path), runOnce(path), runOnce(path)]);

    expect(await verifyFiles(path)).toEqual({ records: 15, ok: true });
  });

  it('writes in order what is not waited for, and keeps a line break that is there', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'lines');
    const sink = fileSink(path);
    await Promise.all(['a', 'b\n', 'c'].map((line) => sink.write(line)));
    await sink.close?.();
    await sink.close?.();
    await sink.write('d');
    await sink.close?.();
    expect(await readFile(path, 'utf8')).toBe('a\nb\nc\nd\n');
  });

  it.each(['folder', 'link', 'fifo', 'missing'])(
    'a %s in its place is an error for onError, and no call fails',
    async (kind) => {
      await using folder = await temporaryFolder();
      const path = join(folder.path, 'audit.ndjson');
      if (kind === 'folder') await mkdir(path);
      if (kind === 'link') {
        await writeFile(join(folder.path, 'other'), '');
        await symlink(join(folder.path, 'other'), path);
      }
      if (kind === 'fifo') execFileSync('mkfifo', [path]);
      const errors: unknown[] = [];
      await runOnce(kind === 'missing' ? join(folder.path, 'none', 'audit.ndjson') : path, errors);

      expect(errors[0]).toMatchObject({ code: expect.stringMatching(/^ERR_GOLDKEY_/) as string });
      expect(String(errors[0])).toMatch(/The audit file .* (cannot|could not|is )/);
    },
  );

  it.each([
    [{ mode: 0o200 }, /`mode` must be an integer/],
    [{ fsync: true }, /`fsync` must be 'always' or 'never'/],
    [{ maxBuffer: 0 }, /`maxBuffer` must be an integer/],
    [{ sync: 'always' }, /no option `sync`/],
  ])('%j is refused', (options, message) => {
    expect(() => fileSink('x', options as never)).toThrow(message);
    expect(() => fileSink(7 as never)).toThrow(/`path`/);
  });
});
