import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { main } from '../../src/cli/main.js';
import type { CliIo } from '../../src/cli/io.js';

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a command line in this process. `typed` makes stdin a terminal; without it stdin is a pipe with `piped`. */
export async function run(
  argv: readonly string[],
  options: { piped?: string; typed?: string | readonly string[]; tty?: boolean; env?: Record<string, string> } = {},
): Promise<Ran & { raw: boolean[] }> {
  const out: string[] = [];
  const err: string[] = [];
  const raw: boolean[] = [];
  let stdin: CliIo['stdin'] = Readable.from(options.piped === undefined ? [] : [Buffer.from(options.piped)]);
  if (options.typed !== undefined) {
    const typed = new PassThrough();
    const chunks = [options.typed].flat();
    stdin = Object.assign(typed, {
      isTTY: true,
      setRawMode(mode: boolean) {
        raw.push(mode);
        if (mode) for (const chunk of chunks) typed.write(chunk);
      },
    });
  }
  const sink = (to: string[]): CliIo['stdout'] => {
    const stream = new PassThrough();
    stream.on('data', (chunk: Buffer) => to.push(chunk.toString()));
    return Object.assign(stream, { isTTY: options.tty ?? false });
  };
  const stdout = sink(out);
  const stderr = sink(err);
  const code = await main(argv, { stdin, stdout, stderr, env: options.env ?? {} });
  await new Promise((resolve) => setImmediate(resolve));
  return { code, stdout: out.join(''), stderr: err.join(''), raw };
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
