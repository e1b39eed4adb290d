import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageLoader } from '../../src/util/load-package.js';

const PACKAGE = { need: 'goldkey/kms needs the AWS SDK for KMS', name: '@aws-sdk/client-kms', provider: 'aws-kms' };
const ABSENT = { ...PACKAGE, name: '@aws-sdk/client-nowhere' };

const failing = (fields: object): Error => Object.assign(new Error('invented'), fields);
const failure = (work: Promise<unknown>): Promise<Error & { code: string; retryable: boolean }> =>
  work.then(
    () => {
      throw new Error('It should have failed.');
    },
    (error: Error & { code: string; retryable: boolean }) => error,
  );

describe('a package that is not installed', () => {
  it.each(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'])('is told so, with its install line (%s)', async (code) => {
    const error = await failure(packageLoader(ABSENT, () => Promise.reject(failing({ code })))());

    expect(error).toMatchObject({
      code: 'ERR_GOLDKEY_MISSING_PACKAGE',
      message: 'goldkey/kms needs the AWS SDK for KMS, which is not installed: npm install @aws-sdk/client-nowhere',
    });
  });

  it('is told to install all that belong together', async () => {
    const together = { ...ABSENT, install: 'a@5 b@5' };
    const error = await failure(packageLoader(together, () => Promise.reject(failing({ code: 'MODULE_NOT_FOUND' })))());

    expect(error.message).toMatch(/which is not installed: npm install a@5 b@5$/);
  });

  it('is loaded once it has been installed', async () => {
    const answers = [Promise.reject(failing({ code: 'MODULE_NOT_FOUND' })), Promise.resolve({ installed: true })];
    const load = packageLoader(ABSENT, () => answers.shift() ?? Promise.reject(failing({})));
    await failure(load());

    expect(await load()).toEqual({ installed: true });
  });
});

describe('a package that is installed and could not be read', () => {
  it.each([
    ['EMFILE', { code: 'EMFILE' }],
    ['ENFILE', { code: 'ENFILE' }],
    ['EACCES', { code: 'EACCES' }],
    ['EIO', { code: 'EIO' }],
    // A file inside it, or a package that it needs, or a package.json that Node.js could not open.
    ['ERR_MODULE_NOT_FOUND', { code: 'ERR_MODULE_NOT_FOUND' }],
    ['MODULE_NOT_FOUND', { code: 'MODULE_NOT_FOUND', requireStack: [fileURLToPath(import.meta.url)] }],
    ['ERR_INVALID_PACKAGE_CONFIG', { code: 'ERR_INVALID_PACKAGE_CONFIG' }],
    // A file that was cut short.
    ['SyntaxError', { name: 'SyntaxError' }],
  ])('is told so, retryable (%s)', async (shown, fields) => {
    const cause = failing(fields);
    const error = await failure(packageLoader(PACKAGE, () => Promise.reject(cause))());

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true, provider: 'aws-kms', cause });
    expect(error.message).toContain(`could not be read (${shown})`);
    expect(error.message).not.toContain('not installed');
    expect(error.message.includes('ulimit -n')).toBe(shown === 'EMFILE' || shown === 'ENFILE');
  });

  it('is imported again by the next use, and only once by uses that come together', async () => {
    let imports = 0;
    const load = packageLoader(PACKAGE, async () => {
      imports++;
      if (imports === 1) throw failing({ code: 'EIO' });
      return { imports };
    });

    const first = await Promise.allSettled([load(), load()]);
    const second = await Promise.all([load(), load()]);

    expect(first.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(second).toEqual([{ imports: 2 }, { imports: 2 }]);
  });

  it('is never another copy than the one that the `import()` leads to, as in a bundle', async () => {
    const kept = failing({ code: 'EIO' });
    const load = packageLoader(PACKAGE, () => Promise.reject(kept));

    expect(await failure(load())).toMatchObject({ cause: kept });
    expect(await failure(load())).toMatchObject({ cause: kept });
  });

  it('is not looked for by `require` if it is missing', async () => {
    const kept = failing({ code: 'ERR_MODULE_NOT_FOUND' });
    const load = packageLoader(ABSENT, () => Promise.reject(kept));

    expect(await failure(load())).toMatchObject({ code: 'ERR_GOLDKEY_MISSING_PACKAGE', cause: kept });
    expect(await failure(load())).toMatchObject({ code: 'ERR_GOLDKEY_MISSING_PACKAGE', cause: kept });
  });
});

describe('in a process of its own', () => {
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'goldkey-load-'));
    const packages = {
      // One that is CommonJS alone, one with a build for each, and one whose second file is missing at first.
      plain: {
        'package.json': '{ "main": "main.js" }',
        'main.js': `exports.kind = 'cjs'; require('./second.js');`,
        'second.js': '',
      },
      dual: {
        'package.json': '{ "exports": { "import": "./main.mjs", "require": "./main.cjs" } }',
        'main.mjs': `import './second.mjs'; export const kind = 'esm';`,
        'second.mjs': '',
        'main.cjs': `exports.kind = 'cjs';`,
      },
    };
    for (const [name, files] of Object.entries(packages)) {
      mkdirSync(join(folder, 'node_modules', name), { recursive: true });
      for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, 'node_modules', name, file), text);
    }
    // Files of the caller's own that import the package, and one that holds it, as the chunk of a bundler does.
    const files = {
      'sdk.mjs': `import * as plain from 'plain'; export const sdk = { get kind() { return plain.kind; } };`,
      'chunk.mjs': `export const sdk = { kind: 'bundled' };`,
      'broken-chunk.mjs': `export const sdk = {}; throw Object.assign(new Error('invented'), { code: 'EIO' });`,
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    await build({
      entryPoints: [fileURLToPath(new URL('../../src/util/load-package.ts', import.meta.url))],
      outfile: join(folder, 'load-package.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'error',
    });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const HEAD = `
    import { openSync, closeSync, renameSync } from 'node:fs';
    import { createRequire } from 'node:module';
    import { packageLoader } from './load-package.mjs';
    const require = createRequire(import.meta.url);
    const loadPlain = packageLoader({ need: 'This', name: 'plain', provider: 'p' }, () => import('plain'));
    const loadDual = packageLoader({ need: 'This', name: 'dual', provider: 'p' }, () => import('dual'));
    const loadBy = (byImport) => packageLoader({ need: 'This', name: 'plain', provider: 'p' }, byImport, import.meta.url);
    const loadSdk = loadBy(() => import('./sdk.mjs').then(({ sdk }) => sdk));
    const tell = (work) => work.then(({ kind }) => kind, ({ code, message, retryable }) => [code, retryable, message].join(' '));
    const told = [];`;
  /** Runs a program that may have 60 files open, and returns what it pushed to `told`. */
  function run(body: string): unknown[] {
    writeFileSync(join(folder, 'program.mjs'), `${HEAD}\n${body}\nconsole.log(JSON.stringify(told));`);
    const command = `ulimit -n 60; exec "${process.execPath}" program.mjs`;
    const output = execFileSync('sh', ['-c', command], {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] },
    });
    return JSON.parse(output) as unknown[];
  }

  it.runIf(existsSync('/bin/sh'))('out of file descriptors it says so, and loads once there are some again', () => {
    const told = run(`
      const held = [];
      try { for (;;) held.push(openSync('/dev/null', 'r')); } catch {}
      told.push(await tell(loadPlain()), await tell(loadPlain()), await tell(loadDual()));
      for (const file of held) closeSync(file);
      told.push(await tell(loadPlain()), await tell(loadDual()));
      // Neither a loader nor a cache of Node.js's has taken the packages for missing.
      told.push((await import('plain')).kind, require('dual').kind);`);

    const busy = expect.stringMatching(
      /^ERR_GOLDKEY_PROVIDER true This, which could not be read \(EMFILE\): too many/,
    ) as unknown;
    expect(told).toEqual([busy, busy, busy, 'cjs', 'esm', 'cjs', 'cjs']);
  });

  it('a package with a file missing is not "not installed", and is read once the file is there', () => {
    const told = run(`
      const file = 'node_modules/plain/second.js';
      renameSync(file, file + '.gone');
      told.push(await tell(loadPlain()));
      renameSync(file + '.gone', file);
      told.push(await tell(loadPlain()));`);

    expect(told).toEqual([
      expect.stringMatching(/^ERR_GOLDKEY_PROVIDER true .*could not be read \(MODULE_NOT_FOUND\)/),
      'cjs',
    ]);
  });

  it('that an ES module lacks a file is told again or mended, whatever the loader has kept', () => {
    const told = run(`
      const file = 'node_modules/dual/second.mjs';
      renameSync(file, file + '.gone');
      told.push(await tell(loadDual()));
      renameSync(file + '.gone', file);
      await tell(loadDual());
      told.push(await tell(loadDual()));`);

    expect(told).toEqual([
      expect.stringMatching(/^ERR_GOLDKEY_PROVIDER true .*could not be read \(ERR_MODULE_NOT_FOUND\)/),
      expect.stringMatching(/^(?:esm|cjs)$/),
    ]);
  });

  it('imported by a file of the caller it is read by `require`, which is faster', () => {
    const told = run(`
      told.push(await loadSdk() === require('plain'), await tell(loadSdk()));
      told.push(await loadBy((name) => import(/* a comment */ name))() === require('plain'));
      told.push(await loadBy((name)=>import(name))() === require('plain'));`);

    expect(told).toEqual([true, 'cjs', true, true]);
  });

  it('held by a file of the caller it is that copy, though another is installed', () => {
    const told = run(`
      told.push(await tell(loadBy(() => import('./chunk.mjs').then(({ sdk }) => sdk))()));
      const loadBroken = loadBy(() => import('./broken-chunk.mjs').then(({ sdk }) => sdk));
      told.push(await tell(loadBroken()), await tell(loadBroken()));`);

    const broken = expect.stringMatching(/^ERR_GOLDKEY_PROVIDER true .*could not be read \(EIO\)/) as unknown;
    expect(told).toEqual(['bundled', broken, broken]);
  });

  it("is the copy that the application's own import gets, of a package with a build for each too", () => {
    const told = run(`
      told.push(await loadPlain() === require('plain'), (await import('plain')).default === require('plain'));
      told.push(await loadDual() === await import('dual'));`);

    expect(told).toEqual([true, true, true]);
  });

  it('is looked for where the import was, as Node.js says it', async () => {
    const sentence = (importer: string) => `Cannot find package '${PACKAGE.name}' imported from ${importer}`;
    const fail = (importer: string) => () =>
      Promise.reject(failing({ code: 'ERR_MODULE_NOT_FOUND', message: sentence(importer) }));

    expect(await failure(packageLoader(PACKAGE, fail(fileURLToPath(import.meta.url)))())).toMatchObject({
      code: 'ERR_GOLDKEY_PROVIDER',
    });
    expect(await failure(packageLoader(PACKAGE, fail(join(folder, 'main.cjs')))())).toMatchObject({
      code: 'ERR_GOLDKEY_MISSING_PACKAGE',
    });
  });

  it('is the copy that hooks of a loader put in its place', () => {
    const mock = pathToFileURL(join(folder, 'mock.mjs')).href;
    writeFileSync(join(folder, 'mock.mjs'), `export const kind = 'mock';`);
    const hooks = `export const resolve = (name, context, next) =>
      name === 'plain' ? { url: '${mock}', shortCircuit: true } : next(name, context);`;
    const told = run(`
      const { register } = await import('node:module');
      register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hooks)}));
      told.push(await tell(loadPlain()), await tell(loadSdk()));`);

    expect(told).toEqual(['mock', 'mock']);
  });
});
