import { EventEmitter } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { main } from '../../src/cli/main.js';
import type { CliIo, EndSignal } from '../../src/cli/io.js';
import type { Clock } from '../../src/core/index.js';

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

interface RunOptions {
  piped?: string;
  typed?: string | readonly string[] | (() => string);
  tty?: boolean;
  env?: Record<string, string>;
  clock?: Clock;
}

/** A command line that has been started in this process. */
export interface Started {
  readonly ended: Promise<Ran & { raw: boolean[] }>;
  readonly stdout: PassThrough;
  /** Everything printed so far. */
  out(): string;
  err(): string;
  signal(name: EndSignal): void;
  /** The number of listeners to signals. */
  listeners(): number;
}

/**
 * Starts a command line. `typed` makes stdin a terminal, on which it is typed at each prompt; without it stdin is a pipe with
 * `piped`.
 */
export function begin(argv: readonly string[], options: RunOptions = {}): Started {
  const out: string[] = [];
  const err: string[] = [];
  const raw: boolean[] = [];
  const signals = new EventEmitter();
  let stdin: CliIo['stdin'] = Readable.from(options.piped === undefined ? [] : [Buffer.from(options.piped)]);
  if (options.typed !== undefined) {
    const typed = new PassThrough();
    const { typed: given } = options;
    stdin = Object.assign(typed, {
      isTTY: true,
      setRawMode(mode: boolean) {
        raw.push(mode);
        if (mode) for (const chunk of [typeof given === 'function' ? given() : given].flat()) typed.write(chunk);
      },
    });
  }
  const sink = (to: string[]): PassThrough & { isTTY: boolean } => {
    const stream = new PassThrough();
    stream.on('data', (chunk: Buffer) => to.push(chunk.toString()));
    return Object.assign(stream, { isTTY: options.tty ?? false });
  };
  const stdout = sink(out);
  const stderr = sink(err);
  const io: CliIo = {
    stdin,
    stdout,
    stderr,
    env: options.env ?? {},
    clock: options.clock,
    on: (name, listener) => signals.on(name, listener),
    off: (name, listener) => signals.off(name, listener),
  };
  const finish = async (): Promise<Ran & { raw: boolean[] }> => {
    const code = await main(argv, io);
    await new Promise((resolve) => setImmediate(resolve));
    return { code, stdout: out.join(''), stderr: err.join(''), raw };
  };
  return {
    ended: finish(),
    stdout,
    out: () => out.join(''),
    err: () => err.join(''),
    signal: (name) => void signals.emit(name, name),
    listeners: () => signals.eventNames().length,
  };
}

/** Runs a command line to its end. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<Ran & { raw: boolean[] }> {
  return begin(argv, options).ended;
}

/** A folder that goes when the test does. */
export async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'goldkey-test-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Every form in which a key could be printed. */
export function formsOf(key: string): string[] {
  const bytes = Buffer.from(key);
  return [
    key,
    encodeURIComponent(key),
    JSON.stringify(key).slice(1, -1),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    bytes.toString('hex'),
  ];
}
