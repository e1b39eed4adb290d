import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { endWithProcess, makeTempFolder } from '../programs/at-exit.mjs';
import { aptInstall } from './apt.js';
import { startLambdaRuntimeApi, type Answer } from './lambda-runtime-api.js';
import { cacheFolder, run, stopped } from './process.js';

const PACKAGE = join('node_modules', 'aws-lambda-ric');
/** The releases that are used, and where each has its program and its native half. */
const RELEASES = {
  // The newest that runs on Node.js 20.
  '3.3.0': { program: join('bin', 'index.mjs'), native: join('dist', 'rapid-client.node') },
  // The one of Lambda Managed Instances, for Node.js 22 and later.
  '4.0.2': { program: 'index.mjs', native: 'rapid-client.node' },
} as const;
type Release = keyof typeof RELEASES;
/** What the build of its native client needs: each command, and the package that brings it. */
const TOOLS = {
  autoconf: 'autoconf',
  automake: 'automake',
  libtoolize: 'libtool',
  cmake: 'cmake',
  'g++': 'g++',
  make: 'make',
};

/** How to start a function. */
export interface LambdaOptions {
  /** Where the function lies, with its `node_modules`: Lambda's task root. */
  readonly folder: string;
  /** As in Lambda's settings: `index.handler`. */
  readonly handler: string;
  /** Beside what Lambda sets itself. */
  readonly env: Readonly<Record<string, string>>;
  /** The Node.js that runs it. Default: the one that runs this. */
  readonly node?: string;
}

/** A function in an execution environment of its own: one process of AWS's runtime client. */
export interface Lambda extends AsyncDisposable {
  /** From the start of the process until it asked for its first event, in ms. */
  readonly initTook: number;
  /** All that the process has printed, and so what Lambda would have put into the log. */
  readonly printed: string;
  /** All that it has posted. */
  readonly posted: string;
  /** Hands out an event. `timeLeft` is until the deadline, in ms; default 5_000. */
  invoke(event: unknown, timeLeft?: number): Promise<Answer>;
  /** Stops the process where it is, as Lambda does between two invocations. */
  freeze(): void;
  thaw(): void;
}

/**
 * Starts a function cold, and resolves when it has initialised.
 *
 * @param client - the runtime client, from `installRuntimeClient`
 * @throws {Error} when the function does not initialise
 */
export async function startLambda(client: string, options: LambdaOptions): Promise<Lambda> {
  const { folder, handler, env, node = process.execPath } = options;
  const api = await startLambdaRuntimeApi();
  const startedAt = performance.now();
  const runtime = spawn(node, [client, handler], {
    cwd: folder,
    env: { ...lambdaEnvironment(folder, handler), ...env, AWS_LAMBDA_RUNTIME_API: api.address },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  endWithProcess(runtime);
  let printed = '';
  for (const stream of [runtime.stdout, runtime.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (printed += chunk));
  }
  const ended = once(runtime, 'close').then(([code]) => {
    throw new Error(`The runtime client ended with ${String(code)}: ${printed}`);
  });
  ended.catch(() => undefined);
  const dispose = async (): Promise<void> => {
    runtime.kill('SIGCONT');
    await stopped(runtime);
    // Until all is read that it printed.
    await ended.catch(() => undefined);
    await api[Symbol.asyncDispose]();
  };
  try {
    const askedAt = await Promise.race([api.asked(), ended]);
    return {
      initTook: askedAt - startedAt,
      get printed() {
        return printed;
      },
      get posted() {
        return api.posted;
      },
      invoke: (event, timeLeft = 5_000) => Promise.race([api.invoke(event, timeLeft), ended]),
      freeze: () => void runtime.kill('SIGSTOP'),
      thaw: () => void runtime.kill('SIGCONT'),
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** What Lambda sets. The home folder is not there, as in Lambda: no settings of this machine's user are found. */
function lambdaEnvironment(folder: string, handler: string): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: join(folder, 'no-home'),
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    LAMBDA_TASK_ROOT: folder,
    _HANDLER: handler,
    AWS_LAMBDA_FUNCTION_NAME: 'gold-price',
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
    AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/gold-price',
    AWS_LAMBDA_LOG_STREAM_NAME: '2026/11/26/[$LATEST]0123456789abcdef',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
}

/**
 * The path of AWS's runtime client for Node.js, installed on first use into a cache folder outside the work tree (about
 * a minute of compiling). Its native half is bound to no version of Node.js.
 *
 * @throws {Error} whose message says what is missing and how to get it
 */
export async function installRuntimeClient(release: Release = '3.3.0'): Promise<string> {
  const folder = cacheFolder(`aws-lambda-ric-${release}`);
  const program = join(folder, PACKAGE, RELEASES[release].program);
  const native = join(folder, PACKAGE, RELEASES[release].native);
  if (await loads(native)) return program;
  console.warn("Building Lambda's runtime client from its npm package, this once: about a minute.");
  let unfinished: string | undefined;
  try {
    await installTools();
    await mkdir(dirname(folder), { recursive: true });
    // A folder of its own, and renamed at the end: what is in its place is whole.
    unfinished = makeTempFolder(`${basename(folder)}-`, dirname(folder));
    // An npm that runs no package's scripts unasked is told that this one's are to run.
    const manifest = { private: true, allowScripts: { 'aws-lambda-ric': true } };
    await writeFile(join(unfinished, 'package.json'), JSON.stringify(manifest));
    await run('npm', ['install', '--prefix', unfinished, '--no-audit', '--no-fund', `aws-lambda-ric@${release}`]);
    // The sources of what was compiled: 150 MB.
    await rm(join(unfinished, PACKAGE, 'deps'), { recursive: true });
    await rm(folder, { recursive: true, force: true });
    await rename(unfinished, folder);
  } catch (error) {
    // Another run may have been faster.
    if (!(await loads(native))) {
      const how = `apt-get install ${Object.values(TOOLS).join(' ')}; the tests then run: npm install aws-lambda-ric@${release}`;
      throw new Error(`Lambda's runtime client could not be installed: ${how}`, { cause: error });
    }
  } finally {
    if (unfinished !== undefined) await rm(unfinished, { recursive: true, force: true });
  }
  if (await loads(native)) return program;
  throw new Error(`What was built of Lambda's runtime client does not load; remove ${folder} and try again.`);
}

/** Whether its native half is there and whole. */
async function loads(native: string): Promise<boolean> {
  // Without an address it ends the process that loads it.
  const env = { ...process.env, AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9' };
  return succeeds(process.execPath, ['-e', 'require(process.argv[1])', native], env);
}

async function installTools(): Promise<void> {
  const missing: string[] = [];
  for (const [command, name] of Object.entries(TOOLS)) {
    if (!(await succeeds(command, ['--version']))) missing.push(name);
  }
  if (missing.length > 0) await aptInstall(missing);
}

async function succeeds(command: string, args: readonly string[], env = process.env): Promise<boolean> {
  try {
    await run(command, args, { env });
    return true;
  } catch {
    return false;
  }
}
