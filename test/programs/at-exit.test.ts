import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, watch } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { built, missing } from '../examples/start-example.js';
import { endWithProcess, makeTempFolder } from './at-exit.mjs';

const PROOF = resolve(import.meta.dirname, '..', 'proof');
const urlOf = (...path: readonly string[]): string => JSON.stringify(pathToFileURL(join(...path)).href);

/** A program with a folder and a child, which waits to be told how to end. */
const PROGRAM = `
  import { spawn } from 'node:child_process';
  import { writeFileSync } from 'node:fs';
  import { endWithProcess, makeTempFolder, undoAtExit } from ${urlOf(import.meta.dirname, 'at-exit.mjs')};
  const folder = makeTempFolder('goldkey-at-exit-');
  writeFileSync(folder + '/file', 'left');
  const stdio = ['ignore', 'inherit', 'ignore'];
  endWithProcess(spawn(process.execPath, ['-e', 'setTimeout(() => {}, 30_000)'], { stdio }));
  undoAtExit(() => process.stderr.write('undone'));
  undoAtExit(() => { throw new Error('It cannot be undone.'); });
  undoAtExit(() => process.stderr.write('never'))();
  process.stdin.once('data', (how) => {
    if (String(how) === 'exit') process.exit(3);
    process.on('uncaughtException', () => process.exit(4));
    throw new Error('It went wrong.');
  });
  console.log(folder);`;

interface Started {
  child: ChildProcess;
  /** Resolves to what went to stderr, when it and all that hold its output have ended. */
  closed: Promise<string>;
}

function start(argv: readonly string[], env: object = {}): Started {
  const stdio = ['pipe', 'pipe', 'pipe', 'ipc'] as const;
  const child = spawn(process.execPath, argv, { env: { ...process.env, ...env }, stdio: [...stdio] });
  endWithProcess(child);
  const [stdout, stderr] = [child.stdout as Readable, child.stderr as Readable];
  stdout.resume();
  let printed = '';
  stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  // Not 'close' of the child, which does not come when this end disconnects.
  const closed = Promise.all([once(child, 'exit'), once(stdout, 'close'), once(stderr, 'close')]);
  return { child, closed: closed.then(() => printed) };
}

/** Starts a module, and resolves when it has printed a line. */
async function startModule(code: string): Promise<Started & { line: string }> {
  const started = start(['--input-type=module', '--eval', code]);
  const [line] = (await once(createInterface(started.child.stdout as Readable), 'line')) as [string];
  return { ...started, line };
}

const ENDS: readonly (readonly [how: string, end: (child: ChildProcess) => unknown, ended: object])[] = [
  ['SIGINT', (child) => child.kill('SIGINT'), { signalCode: 'SIGINT' }],
  ['SIGTERM', (child) => child.kill('SIGTERM'), { signalCode: 'SIGTERM' }],
  ['SIGHUP', (child) => child.kill('SIGHUP'), { signalCode: 'SIGHUP' }],
  ['process.exit()', (child) => child.stdin?.write('exit'), { exitCode: 3 }],
  ['an error', (child) => child.stdin?.write('throw'), { exitCode: 4 }],
  ['the end of who started it', (child) => child.disconnect(), { signalCode: 'SIGTERM' }],
];

describe('a program that ends', () => {
  it.each(ENDS)('by %s leaves no child and no folder', async (_, end, ended) => {
    const { child, closed, line: folder } = await startModule(PROGRAM);
    expect(existsSync(folder)).toBe(true);

    end(child);

    expect(await closed).toBe('undone');
    expect(child).toMatchObject(ended);
    expect(existsSync(folder)).toBe(false);
  });
});

describe.skipIf(!built)(`the proof ${missing}`, () => {
  it('leaves no program when it is ended', async () => {
    const { child, closed, line } = await startModule(`
      import { Program } from ${urlOf(PROOF, 'lib', 'program.mjs')};
      const env = { PROOF_SEED: '1', PROOF_CALLS: '1000000000' };
      console.log(new Program('calls.mjs', [], { env, flags: ['--expose-gc'] }).child.pid);`);
    onTestFinished(() => {
      try {
        process.kill(Number(line));
      } catch {
        // It has ended, as it should.
      }
    });

    child.kill();

    expect(await closed).toBe('');
  });

  it('leaves no broken copy when it is ended', async () => {
    const folder = makeTempFolder('goldkey-at-exit-');
    const watcher = watch(folder);
    onTestFinished(() => watcher.close());

    const { child, closed } = start([join(PROOF, 'main.mjs'), '--broken', '--part', 'a'], { TMPDIR: folder });
    const [, name] = (await once(watcher, 'change')) as [string, string];
    child.kill('SIGINT');
    await closed;

    expect(name).toMatch(/^goldkey-broken-/);
    expect(child.signalCode).toBe('SIGINT');
    expect(readdirSync(folder)).toEqual([]);
  });
});
