import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { aptInstall } from './apt.js';
import { freePort, ready, run, stopped } from './process.js';

/** A Redis on loopback, without a password and without a disk: what is in it ends with `stop`. */
export interface Redis extends AsyncDisposable {
  /** `redis://127.0.0.1:<port>`; it stays the same over a restart. */
  readonly url: string;
  readonly port: number;
  /** Ends the server and cuts every connection, by SIGTERM or so. Nothing happens when it is stopped already. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port, empty. Nothing happens when it is running. */
  start(): Promise<void>;
}

/**
 * Starts the machine's redis-server on a free port; as root it is installed on first use. `more` are further flags.
 *
 * @throws {Error} whose message says what is missing and how to get it
 */
export async function startRedis(more: readonly string[] = []): Promise<Redis> {
  await installRedis();
  const port = await freePort();
  let server: ChildProcess | undefined;
  const stop = async (signal?: NodeJS.Signals): Promise<void> => {
    const running = server;
    server = undefined;
    if (running === undefined) return;
    running.kill(signal);
    await stopped(running);
  };
  const start = async (): Promise<void> => {
    if (server !== undefined) return;
    const flags = ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--appendonly', 'no', ...more];
    server = spawn('redis-server', flags, { stdio: 'ignore' });
    await ready('redis-server', server, () => pong(port));
  };
  await start();
  return { url: `redis://127.0.0.1:${String(port)}`, port, stop, start, [Symbol.asyncDispose]: () => stop() };
}

/** Installs redis-server where there is none. */
export async function installRedis(): Promise<void> {
  if (await isThere()) return;
  const how = 'apt-get install redis-server (or any package that brings redis-server into the PATH)';
  try {
    await aptInstall(['redis-server']);
  } catch (error) {
    throw new Error(`redis-server could not be installed; to run these tests: ${how}`, { cause: error });
  }
}

async function isThere(): Promise<boolean> {
  try {
    await run('redis-server', ['--version']);
    return true;
  } catch {
    return false;
  }
}

/** Whether a PING over a socket is answered: no client library has a say in when the server is ready. */
async function pong(port: number): Promise<boolean> {
  return (await askRedis(port, 'PING').catch(() => '')).startsWith('+PONG');
}

/** The first part of a server's raw answer to one line. */
export async function askRedis(port: number, line: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1').setTimeout(1_000);
  // Ends the wait below, as an error would.
  socket.on('timeout', () => socket.destroy(new Error(`No answer to ${line}.`)));
  try {
    socket.write(`${line}\r\n`);
    const [answer] = (await once(socket, 'data')) as [string];
    return answer;
  } finally {
    socket.destroy();
  }
}
