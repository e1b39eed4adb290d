import { execFile, type ChildProcess, type ExecFileOptions } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { endWithProcess } from '../programs/at-exit.mjs';

const execute = promisify(execFile);

/** Runs a program to its end, or to this process's; what it prints is kept, and shown only with its failure. */
export function run(
  program: string,
  args: readonly string[],
  options: ExecFileOptions = {},
): Promise<{ stdout: string; stderr: string }> {
  const running = execute(program, args, { ...options, encoding: 'utf8' });
  endWithProcess(running.child);
  return running;
}

/** The folder of one server or runtime, outside the work tree: what is installed into it serves the next run too. */
export function cacheFolder(name: string): string {
  const cache = process.env['XDG_CACHE_HOME'];
  return join(cache === undefined || cache === '' ? join(homedir(), '.cache') : cache, 'goldkey', name);
}

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * Waits until `isReady` says so, 30 s at most; a server that is not ready by then is stopped. It ends with this process.
 *
 * @throws {Error} that names the server, when it ended first or the time is up
 */
export async function ready(name: string, server: ChildProcess, isReady: () => Promise<boolean>): Promise<void> {
  endWithProcess(server);
  for (let tries = 0; tries < 300; tries++) {
    if (hasEnded(server)) throw new Error(`${name} ended with ${String(server.exitCode)} before it was ready.`);
    if (await isReady()) return;
    await sleep(100);
  }
  await stopped(server);
  throw new Error(`${name} did not answer within 30 s of its start.`);
}

/** Whether a GET of `url` is answered with 200. */
export async function answers(url: string): Promise<boolean> {
  const answer = await fetch(url).catch(() => undefined);
  await answer?.body?.cancel();
  return answer?.ok === true;
}

/** Ends a server, and resolves when it has ended. */
export async function stopped(server: ChildProcess): Promise<void> {
  if (hasEnded(server)) return;
  const exit = once(server, 'exit');
  server.kill();
  await exit;
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}
