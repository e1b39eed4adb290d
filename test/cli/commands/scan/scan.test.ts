import { execFileSync } from 'node:child_process';
import { mkdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formsOf, run, temporaryFolder, type Ran } from '../../run.js';
import { tar, tgz, writeKey } from './key-texts.js';

const KEY = 'sk-invented/+&=0123456789';
const OTHER = 'another-invented-key-42';
const CONTEXT = ['--encryption-context', 'service=gold-data-stream'];

interface Json {
  findings: Array<{ path: string; line: number; column: number; form: string; commit?: string }>;
  files: number;
  bytes: number;
  unread: Array<{ path: string; reason: string }>;
  unopened: string[];
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let keyFile: string;
let tree: string;
const at = (...names: string[]): string => join(tree, ...names);

beforeEach(async () => {
  folder = await temporaryFolder();
  keyFile = join(folder.path, 'api.key');
  tree = join(folder.path, 'tree');
  await mkdir(tree);
  await writeFile(keyFile, `${KEY}\n`, { mode: 0o600 });
});
afterEach(() => folder[Symbol.asyncDispose]());

async function put(name: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(at(name)), { recursive: true });
  await writeFile(at(name), content);
}

/** Runs a scan of the tree, and sees that nothing of the key is printed. */
async function scan(...options: string[]): Promise<Ran> {
  const ran = await run(['scan', '--key-file', keyFile, ...(options.includes('--stdin') ? [] : [tree]), ...options]);
  for (const form of formsOf(KEY)) expect(ran.stdout + ran.stderr).not.toContain(form);
  return ran;
}

async function scanJson(...options: string[]): Promise<Json & { code: number }> {
  const { code, stdout } = await scan('--json', ...options);
  return { ...(JSON.parse(stdout) as Json), code };
}

const places = ({ findings }: Json): string[] => findings.map(({ path }) => path.replace(`${tree}/`, '')).toSorted();

describe('goldkey scan', () => {
  it('prints a line for each finding, a summary on stderr, and exits with 3', async () => {
    await put('app/.env', `A=1\nGOLD_API_KEY=${KEY}\n`);
    await put('app/node_modules/x/index.js', `get("${encodeURIComponent(KEY)}")`);
    await put('clean.txt', 'nothing');

    const ran = await scan();

    expect(ran.code).toBe(3);
    expect(ran.stdout.split('\n')).toEqual([
      expect.stringMatching(/\/app\/\.env:2:14 raw [0-9a-f]{8} given$/),
      expect.stringMatching(/\/app\/node_modules\/x\/index\.js:1:6 percent [0-9a-f]{8} given$/),
      '',
    ]);
    expect(ran.stderr).toMatch(/^2 findings in 3 files \(\d+ bytes\)\nRotate the key[^\n]+\n$/);
  });

  it('exits with 0 where no key is', async () => {
    await put('clean.txt', 'nothing');
    expect(await scan()).toEqual(
      expect.objectContaining({
        code: 0,
        stdout: '',
        stderr: '0 findings in 1 file (7 bytes)\n',
      }),
    );
  });

  it('finds every form in every kind of file', async () => {
    const forms = writeKey(KEY);
    await Promise.all(forms.map(([, bytes], index) => put(`forms/${String(index)}`, bytes)));
    await put('log.gz', gzipSync(`before ${KEY} after`));
    await put(
      'backup.tar',
      tar({ 'a.txt': Buffer.from('nothing'), [`deep/${'x'.repeat(120)}/b.txt`]: Buffer.from(KEY) }),
    );
    await put(
      'image.tgz',
      tgz({ 'inner.gz': gzipSync(KEY), 'inner.tar': tar({ 'c.bin': Buffer.from(`\0\0${KEY}`) }) }),
    );
    await put('two.gz', Buffer.concat([gzipSync('one'), gzipSync(KEY)]));
    await put('binary', Buffer.concat([Buffer.from([0, 255, 254, 0, 1]), Buffer.from(KEY), Buffer.from([0, 0])]));

    const found = await scanJson();

    const inForms = places(found).filter((path) => path.startsWith('forms/'));
    expect(new Set(inForms).size).toBe(forms.length);
    expect(places(found).filter((path) => !path.startsWith('forms/'))).toEqual([
      `backup.tar!deep/${'x'.repeat(120)}/b.txt`,
      'binary',
      'image.tgz!image.tar!inner.gz!inner',
      'image.tgz!image.tar!inner.tar!c.bin',
      'log.gz!log',
      'two.gz!two',
    ]);
  });

  it('names what is compressed in a way that it does not open, wherever it stands', async () => {
    const starts: Record<string, string> = {
      'a.zip': 'PK\u0003\u0004',
      'b.7z': "7z\u00bc\u00af'\u001c",
      'c.rar': 'Rar!\u001a\u0007',
      'd.xz': '\u00fd7zXZ\0',
      'e.bz2': 'BZh91AY&SY',
      'f.zst': '(\u00b5/\u00fd',
      'g.lz4': '\u0004"M\u0018',
      'h.html.br': 'x',
    };
    for (const [name, start] of Object.entries(starts)) await put(name, Buffer.from(`${start} more`, 'latin1'));
    await put('i.tar', tar({ 'inner.zip': Buffer.from('PK\u0003\u0004 more') }));
    await put('clean.txt', 'PK, BZh and Rar');
    const found = await scanJson();

    expect(found.code).toBe(0);
    const names = [...Object.keys(starts), 'i.tar!inner.zip'];
    expect(found.unopened.map((path) => path.replace(`${tree}/`, ''))).toEqual(names);
    expect((await scan()).stderr).toMatch(/; 9 compressed files not opened \(zip, xz …; --json names them\)\n$/);
  });

  it('names what is packed too deep to be opened', async () => {
    let packed = Buffer.from(KEY);
    for (let depth = 1; depth <= 5; depth++) {
      packed = gzipSync(packed);
      await put(`${String(depth)}.gz`, packed);
    }
    const found = await scanJson();

    expect(found.findings).toHaveLength(4);
    expect(found.unopened).toEqual([at('5.gz!5!content!content!content')]);
  });

  it('reads stdin, packed or not', async () => {
    for (const piped of [`x\n${KEY}`, KEY]) {
      const ran = await run(['scan', '-', '--key-file', keyFile], { piped });
      expect(ran.code).toBe(3);
      expect(ran.stdout).toMatch(/^stdin:\d:1 raw [0-9a-f]{8} given\n$/);
    }
    expect((await run(['scan', '--stdin', '--key-file', keyFile], { piped: 'nothing' })).code).toBe(0);
    expect(await run(['scan', '--stdin'], { piped: KEY })).toMatchObject({ code: 2, stdout: '' });
  });

  it('takes the key from a prompt, a pipe or a store: there each live stage', async () => {
    await put('a', KEY);
    await put('b', OTHER);
    expect((await run(['scan', tree], { typed: `${KEY}\r` })).code).toBe(3);
    expect((await run(['scan', tree], { piped: `${KEY}\n` })).code).toBe(3);
    expect((await run(['scan', tree, '--store', `file://${keyFile}`])).code).toBe(3);

    const local = ['--local', '--master-key', join(folder.path, 'master.key')];
    const ring = ['--ring', join(folder.path, 'gold.json'), ...local, ...CONTEXT];
    await run(['create-key', ...local]);
    await run(['rotate', 'init', ...ring], { piped: KEY });
    await run(['rotate', 'stage', ...ring], { piped: OTHER });
    const ran = await run(['scan', tree, ...ring]);

    expect(ran.code).toBe(3);
    expect(ran.stdout).toMatch(/a:1:1 raw [0-9a-f]{8} v1\n.*b:1:1 raw [0-9a-f]{8} v2\n/);
    for (const form of [...formsOf(KEY), ...formsOf(OTHER)]) expect(ran.stdout + ran.stderr).not.toContain(form);
  });

  it('says how a key is given where none is', async () => {
    expect(await run(['scan', tree])).toMatchObject({
      code: 2,
      stderr:
        'goldkey: The key is empty: nothing was searched. Name its store (--store, --ring or --ciphertext-file), pipe it in, or use --key-file.\n',
    });
  });

  it('refuses a key of under 8 characters', async () => {
    await writeFile(keyFile, 'short');
    const ran = await scan();
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toContain('only 5 characters long');
  });

  it('does not report its own key file, nor .git, unless --all is given', async () => {
    await put('.git/config', KEY);
    keyFile = at('own.key');
    await writeFile(keyFile, KEY);
    await put('sub/copy.key', KEY);

    expect(places(await scanJson())).toEqual(['sub/copy.key']);
    expect(places(await scanJson('--all'))).toEqual(['.git/config', 'own.key', 'sub/copy.key']);
  });

  it('leaves out what --exclude and --max-file-size name', async () => {
    for (const name of ['a/x.log', 'a/b/x.log', 'a/b/y.txt', 'c/z.txt']) await put(name, KEY);
    await put('large', Buffer.concat([Buffer.from(KEY), Buffer.alloc(3_000)]));

    expect(places(await scanJson('--exclude', '*.log', '--exclude', 'c/'))).toEqual(['a/b/y.txt', 'large']);
    expect(places(await scanJson('--exclude', 'a/**/*.log'))).toEqual(['a/b/y.txt', 'c/z.txt', 'large']);
    expect(places(await scanJson('--exclude', '?/*.txt', '--exclude', 'a/*'))).toEqual(['large']);
    const small = await scan('--max-file-size', '2k');
    expect(small.stderr).toContain('in 4 files (100 bytes); 1 file above --max-file-size skipped');
    expect(small.stdout).not.toContain('large');
    expect((await scan('--max-file-size', 'big')).code).toBe(2);
  });

  it('does not hang at a FIFO, a socket or a loop of links', { timeout: 15_000 }, async () => {
    execFileSync('mkfifo', [at('fifo')]);
    await mkdir(at('dir'));
    await symlink('..', at('dir', 'up'));
    await symlink('self', at('self'));
    await symlink('none', at('dangling'));
    await put('dir/file', KEY);
    const outside = join(folder.path, 'outside');
    await writeFile(outside, KEY);
    await symlink(outside, at('link'));

    expect(places(await scanJson())).toEqual(['dir/file']);
    expect(places(await scanJson('--follow-symlinks'))).toEqual(['dir/file', 'link']);
  });

  it('does not pass over a FIFO or a device that is named, as the pipe of `<(command)` is', async () => {
    execFileSync('mkfifo', [at('fifo')]);
    for (const path of [at('fifo'), '/dev/null']) {
      const ran = await run(['scan', path, '--key-file', keyFile]);
      expect(ran).toMatchObject({ code: 1, stdout: '' });
      expect(ran.stderr).toContain(`\`${path}\` is neither a file nor a folder: pipe its content in, and name it -; `);
    }
  });

  it('shows names that would break a line, or hold the key, without doing so', async () => {
    await put('two\nlines\u001B[31m', KEY);
    await writeFile(Buffer.concat([Buffer.from(`${tree}/bad-`), Buffer.from([0xff]), Buffer.from('-utf8')]), KEY);
    const plain = 'plainkey0123456789';
    await writeFile(keyFile, plain);
    await put(`named-${plain}.txt`, plain);
    const named = await run(['scan', tree, '--key-file', keyFile, '--sarif', join(folder.path, 'x.sarif')]);
    await writeFile(keyFile, KEY);
    const ran = await scan();

    expect(ran.stdout.trimEnd().split('\n')).toHaveLength(2);
    expect(ran.stdout).toContain(String.raw`two\nlines\x1b[31m:1:1 raw`);
    expect(ran.stdout).toContain(String.raw`bad-\xff-utf8:1:1 raw`);
    expect(named.stdout).toMatch(/raw-in-name/);
    expect(named.stdout).toMatch(/named-\[REDACTED\]\.txt:1:1 raw/);
    expect(named.stdout + named.stderr + (await readFile(join(folder.path, 'x.sarif'), 'utf8'))).not.toContain(plain);
  });

  it('stops at what it cannot read, and names it; with --keep-going it lists it', async () => {
    await put('a', 'nothing');
    await put('bad.gz', Buffer.concat([gzipSync('x'.repeat(1_000)).subarray(0, 10), Buffer.alloc(40, 255)]));
    const stopped = await scan();
    expect(stopped.code).toBe(1);
    expect(stopped.stderr).toMatch(/^goldkey: `.*bad\.gz` is not intact gzip; [^\n]*--keep-going[^\n]*\n$/);

    expect(await scanJson('--keep-going')).toMatchObject({ code: 1, findings: [], unread: [{ path: at('bad.gz') }] });
    await put('b', KEY);
    const found = await scan('--keep-going');
    expect(found.code).toBe(3);
    expect(found.stderr).toMatch(/not read: .*bad\.gz is not intact gzip\n1 finding in 3 files .*; 1 not read\n/);

    const missing = await run(['scan', at('none.txt'), '--key-file', keyFile]);
    expect(missing).toMatchObject({ code: 1, stdout: '' });
    expect(missing.stderr).toContain('none.txt` could not be read (ENOENT)');
    expect((await run(['scan', KEY, '--key-file', keyFile])).stderr).not.toContain(KEY);
  });

  it('does not unpack a bomb to its end', async () => {
    const megabyte = gzipSync(Buffer.alloc(2 ** 24));
    await put('bomb.gz', gzipSync(Buffer.concat(Array.from({ length: 80 }, () => megabyte))));
    const { unread, code } = await scanJson('--keep-going');
    expect({ unread, code }).toEqual({
      code: 1,
      unread: [
        { path: expect.stringContaining('bomb.gz') as string, reason: 'unpacks to more than 200 times its size' },
      ],
    });
  });

  it('writes SARIF without the text of a finding', async () => {
    await put('a b/ü.txt', `\n  ${KEY}`);
    const file = join(folder.path, 'out.sarif');
    const ran = await scan('--sarif', file);
    const text = await readFile(file, 'utf8');
    const sarif = JSON.parse(text) as { runs: Array<{ results: unknown[] }> };

    expect(ran.code).toBe(3);
    expect(sarif).toMatchObject({
      $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
      version: '2.1.0',
      runs: [{ tool: { driver: { name: 'goldkey', rules: [{ id: 'exact-key' }] } } }],
    });
    expect(sarif.runs[0]?.results).toMatchObject([
      {
        ruleId: 'exact-key',
        level: 'error',
        locations: [
          {
            physicalLocation: {
              artifactLocation: { uri: expect.stringMatching(/\/a%20b\/%C3%BC\.txt$/) as string },
              region: { startLine: 2, startColumn: 3, endLine: 2, endColumn: 3 + KEY.length },
            },
          },
        ],
        partialFingerprints: { 'goldkey/1': expect.stringMatching(/^[0-9a-f]{64}$/) as string },
      },
    ]);
    for (const form of formsOf(KEY)) expect(text).not.toContain(form);
    expect(text).not.toContain('snippet');
    expect((await scan('--sarif', join(folder.path, 'none', 'x'))).code).toBe(1);
  });

  it('reads a sparse file of 256 MB in constant memory', async () => {
    await put('sparse', '');
    await truncate(at('sparse'), 2 ** 28);
    await writeFile(at('sparse'), `\n${KEY}`, { flag: 'a' });
    const before = process.memoryUsage().rss;
    const found = await scanJson();

    expect(found.findings).toMatchObject([{ line: 2, column: 1, form: 'raw' }]);
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6);
  });
});
