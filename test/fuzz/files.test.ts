import { execFile } from 'node:child_process';
import { cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { makeTempFolder } from '../programs/at-exit.mjs';
import { keepInput } from './lib/cli.js';
import { readCorpus } from './lib/run-target.js';

const ROOT = resolve(import.meta.dirname, '../..');
const INPUT = Buffer.from('an input');

let folder: string;
beforeEach(() => {
  folder = makeTempFolder('goldkey-fuzz-');
  return () => rm(folder, { recursive: true });
});

/** Copies what the program is made of, so that something can be wrong with its files. */
async function copyFuzzer(): Promise<void> {
  for (const part of ['src', 'test/fuzz', 'test/programs', 'test/proof/lib', 'package.json']) {
    await cp(join(ROOT, part), join(folder, part), { recursive: true });
  }
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
}

const runFuzzer = (...args: readonly string[]) =>
  new Promise((done) => {
    const argv = [join(folder, 'test/fuzz/main.mjs'), ...args];
    const child = execFile(process.execPath, argv, (_, stdout, stderr) => {
      done({ code: child.exitCode, stdout, stderr });
    });
  });

describe('the fuzzer', () => {
  it('says in a sentence that it cannot build', { timeout: 60_000 }, async () => {
    await copyFuzzer();
    await writeFile(join(folder, '.cache'), '');

    expect(await runFuzzer('--seconds', '1')).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^The fuzzer cannot read or write what it needs: \w+: .*\.cache.*\.\n$/),
    });
  });

  it('says in a sentence that it cannot read a corpus', { timeout: 60_000 }, async () => {
    await copyFuzzer();
    await mkdir(join(folder, 'test/fuzz/corpus/jwe/folder'));

    expect(await runFuzzer('--seconds', '1', '--target', 'jwe')).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^The fuzzer cannot read or write what it needs: EISDIR: .*\.\n$/),
    });
  });

  it('takes a target without a corpus, and makes one', async () => {
    expect(readCorpus(folder, 'new')).toEqual([]);

    expect(keepInput(join(folder, 'test/fuzz/corpus/new'), INPUT)).toBe(true);

    expect(readCorpus(folder, 'new')).toEqual([INPUT]);
  });

  it('prints an input that it cannot keep', async () => {
    const log = vi.spyOn(console, 'log').mockReturnValue();
    await writeFile(join(folder, 'file'), '');

    const isKept = keepInput(join(folder, 'file', 'corpus'), INPUT);

    expect(isKept).toBe(false);
    expect(log.mock.calls.join()).toMatch(/^not kept: ENOTDIR: .*; input \(base64\): YW4gaW5wdXQ=$/);
    log.mockRestore();
  });
});
