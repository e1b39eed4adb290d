import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, open, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeTempFolder } from '../programs/at-exit.mjs';
import { tar, writeKey } from '../cli/commands/scan/key-texts.js';
import { formsOf } from '../cli/run.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BIN = join(ROOT, 'dist/esm/cli/bin.js');
const KEY = 'sk-invented/+&=0123456789';
const CHUNK = 1 << 20;
/** A user without rights, for whom permissions hold: for root they do not. */
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const GIT = [
  '-c',
  'user.name=A',
  '-c',
  'user.email=a@example.com',
  '-c',
  'commit.gpgsign=false',
  '-c',
  'init.defaultBranch=main',
];
const PEAK_MEMORY = new URL('../programs/peak-memory.mjs', import.meta.url).href;
const MEASURE = `import { readPeakMemory } from '${PEAK_MEMORY}';
process.on('exit', () => process.stderr.write('rss ' + readPeakMemory() + '\\n'));`;

interface Ran {
  code: number;
  stdout: string;
  stderr: string;
  /** The most memory that the process had, in bytes. */
  rss: number;
}

let folder: string;
let tree: string;
let keyFile: string;

beforeAll(() => {
  expect(existsSync(BIN), 'built: npm run build:js').toBe(true);
});
beforeEach(async () => {
  folder = makeTempFolder('goldkey-scan-');
  tree = join(folder, 'tree');
  keyFile = join(folder, 'api.key');
  await mkdir(tree);
  await writeFile(keyFile, KEY);
});
afterEach(() => rm(folder, { recursive: true }));

/** Runs the published command, and sees that it prints nothing of the key. */
async function goldkey(
  options: readonly string[],
  as: { uid?: number; gid?: number; cwd?: string } = {},
): Promise<Ran> {
  const measure = `data:text/javascript,${encodeURIComponent(MEASURE)}`;
  const argv = ['--import', measure, BIN, 'scan', '--key-file', keyFile, ...options];
  const ran = await promisify(execFile)(process.execPath, argv, { ...as, maxBuffer: 2 ** 26 }).then(
    (output) => ({ code: 0, ...output }),
    (error: Ran) => ({ code: error.code, stdout: error.stdout, stderr: error.stderr }),
  );
  for (const form of formsOf(KEY)) expect(ran.stdout + ran.stderr).not.toContain(form);
  const [, bytes = ''] = /rss (\d+)\n/.exec(ran.stderr) ?? [];
  return { ...ran, stderr: ran.stderr.replace(/rss \d+\n/, ''), rss: Number(bytes) };
}

async function git(...options: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('git', [...GIT, ...options], { cwd: tree });
  return stdout.trim();
}

const lines = ({ stdout }: Ran): string[] => stdout.trimEnd().split('\n').filter(Boolean).toSorted();

describe('the history of a repository', () => {
  async function commit(message: string, files: Readonly<Record<string, string | Buffer>> = {}): Promise<string> {
    for (const [name, content] of Object.entries(files)) await writeFile(join(tree, name), content);
    await git('add', '-A');
    await git('commit', '-q', '--allow-empty', '-m', message);
    return git('rev-parse', 'HEAD');
  }

  it('is searched once for each object, and a finding names the commit that brought it', async () => {
    await git('init', '-q');
    await commit('first', { 'readme.md': 'nothing' });
    const leak = await commit('leak', { '.env': `A=b\nKEY=${KEY}\n`, 'log.gz': gzipSync(KEY) });
    await git('rm', '-q', '.env', 'log.gz');
    await commit('removed');
    await writeFile(join(tree, 'readme.md'), `stashed ${KEY}`);
    await git('stash', '-q');
    await git('stash', 'apply', '-q');
    await git('checkout', '-q', 'readme.md');
    await git('tag', '-a', 'v1', '-m', `released with ${KEY}`);
    await git('notes', 'add', '-m', `see ${encodeURIComponent(KEY)}`);
    const message = await commit(`oops ${KEY}`);
    await git('reset', '-q', '--hard', 'HEAD~1');
    const branch = await (async () => {
      await git('checkout', '-q', '-b', 'side');
      return commit('side', { 'side.txt': Buffer.from(KEY).toString('base64') });
    })();
    await git('checkout', '-q', 'main');

    expect(await goldkey([tree])).toMatchObject({ code: 0, stdout: '' });
    const ran = await goldkey([tree, '--git']);

    expect(ran.code).toBe(3);
    const found = lines(ran).filter((line) => !line.includes('/.git/logs/'));
    // The reflog has the message of the commit that was taken back.
    expect(lines(ran).length).toBeGreaterThan(found.length);
    expect(found).toHaveLength(7);
    for (const pattern of [
      `^\\.env:2:5 raw [0-9a-f]{8} given ${leak}$`,
      `^log\\.gz!log:1:1 raw [0-9a-f]{8} given ${leak}$|^log\\.gz!content:1:1 raw [0-9a-f]{8} given ${leak}$`,
      String.raw`^readme\.md:1:9 raw [0-9a-f]{8} given [0-9a-f]{40}$`,
      String.raw`^\(tag\):\d+:15 raw`,
      String.raw`^[0-9a-f/]+:1:5 percent [0-9a-f]{8} given [0-9a-f]{40}$`,
      String.raw`^\(commit\):\d+:6 raw [0-9a-f]{8} given ${message}$`,
      `^side\\.txt:1:1 base64 [0-9a-f]{8} given ${branch}$`,
    ]) {
      expect(
        found.filter((line) => new RegExp(pattern).test(line)),
        `${pattern}\n${found.join('\n')}`,
      ).toHaveLength(1);
    }
    expect(ran.stderr).toMatch(/^9 findings in \d+ files and \d+ Git objects .*\nRotate .* rewrite the history/);
  });

  it('of a folder that is no repository is an error', async () => {
    const ran = await goldkey([tree, '--git']);
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(/^goldkey: Git could not read the repository at [^\n]+\n$/);
  });

  it('that is missing is named where the staged files are asked for', async () => {
    const ran = await goldkey(['--staged'], { cwd: tree });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/^goldkey: Git could not read the repository at `\.`: fatal: not a git repository/);
  });

  it('is not needed for what is staged, also before the first commit and below the root', async () => {
    await git('init', '-q');
    await mkdir(join(tree, 'sub'));
    await writeFile(join(tree, 'sub', 'config\nname.json'), JSON.stringify({ key: KEY }));
    await writeFile(join(tree, 'unstaged.txt'), KEY);
    await git('add', 'sub');
    await writeFile(join(tree, 'sub', 'config\nname.json'), 'changed since');

    const ran = await goldkey(['--staged'], { cwd: tree });
    expect(ran.code).toBe(3);
    expect(lines(ran)).toEqual([expect.stringMatching(/^sub\/config\\nname\.json:1:9 raw [0-9a-f]{8} given$/)]);
    expect(lines(await goldkey(['--staged'], { cwd: join(tree, 'sub') }))).toHaveLength(1);

    await git('commit', '-q', '-m', 'leak');
    expect((await goldkey(['--staged'], { cwd: tree })).code).toBe(0);
  });

  it('of a repository names the hook', async () => {
    const hook = await readFile(join(ROOT, '.pre-commit-hooks.yaml'), 'utf8');
    expect(hook).toContain('id: goldkey-scan\n');
    expect(hook).toContain('entry: npx goldkey scan --staged\n');
    expect(hook).toContain('pass_filenames: false\n');
  });
});

describe('a tree with the key in every form at every place', { timeout: 120_000 }, () => {
  it('is searched without a miss or a false finding, in less than 100 MB', async () => {
    const filler = Buffer.alloc(CHUNK + 8_192, 'nothing to see here, none\n');
    const expected: string[] = [];
    for (const [index, [form, bytes]] of writeKey(KEY).entries()) {
      // At the start, at the border of a chunk, and at the end; not each with each, which would be a gigabyte.
      const before = [0, CHUNK + 4_096 - (index % 60) * 2, filler.length][index % 3] as number;
      const name = `${String(index)}.txt`;
      await writeFile(join(tree, name), Buffer.concat([filler.subarray(0, before), bytes, filler.subarray(0, 26)]));
      expected.push(`${name} ${form}`);
      await writeFile(join(tree, `clean-${name}`), filler);
    }
    await writeFile(join(tree, 'all.tar.gz'), gzipSync(tar({ 'a.bin': Buffer.from(KEY), 'b.txt': filler })));
    await promisify(execFile)('mkfifo', [join(tree, 'fifo')]);
    await symlink('.', join(tree, 'loop'));

    const ran = await goldkey([tree, '--follow-symlinks']);

    expect(ran.code).toBe(3);
    const names = new Set(lines(ran).map((line) => line.slice(tree.length + 1).split(':')[0]));
    expect([...names].toSorted()).toEqual(
      [...expected.map((line) => line.split(' ')[0]), 'all.tar.gz!all.tar!a.bin'].toSorted(),
    );
    expect(lines(ran)).toHaveLength(expected.length + 1);
    expect(ran.rss).toBeLessThan(100e6);
  });
});

describe('a sparse log', { timeout: 120_000 }, () => {
  it('of 4 GB is read in less than 100 MB of memory, and the key at its end is found', async () => {
    const path = join(tree, 'huge.log');
    // More than fits in 32 bits. 10 GB take as much memory, and longer.
    const size = 4 * 2 ** 30 + 4_096;
    await writeFile(path, '');
    await truncate(path, size);
    const file = await open(path, 'r+');
    await file.write(`\n${KEY}`, size - 100);
    await file.close();

    const ran = await goldkey([tree]);

    expect(lines(ran)).toEqual([expect.stringMatching(/huge\.log:2:1 raw [0-9a-f]{8} given$/)]);
    expect(ran.stderr).toContain('1 finding in 1 file (4.3 GB)');
    expect(ran.rss).toBeLessThan(100e6);
  });
});

describe('a file without read permission', () => {
  it('ends the scan with exit code 1, and is listed with --keep-going', async () => {
    await writeFile(join(tree, 'locked'), 'x');
    await writeFile(join(tree, 'readable'), KEY);
    await chmod(join(tree, 'locked'), 0);
    await chmod(folder, 0o755);
    const as = isRoot ? { uid: NOBODY, gid: NOBODY } : {};

    const stopped = await goldkey([tree], as);
    const listed = await goldkey([tree, '--keep-going'], as);

    expect(stopped.code).toBe(1);
    expect(stopped.stderr).toMatch(/^goldkey: `[^`]+\/locked` could not be read \(EACCES\);[^\n]+\n$/);
    expect(listed.code).toBe(3);
    expect(lines(listed)).toHaveLength(1);
    expect(listed.stderr).toMatch(/not read: .*\/locked could not be read \(EACCES\)\n/);
  });
});
