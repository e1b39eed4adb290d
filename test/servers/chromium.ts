import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import { endWithProcess, makeTempFolder } from '../programs/at-exit.mjs';
import { aptInstall } from './apt.js';
import { run, stopped } from './process.js';

/** What a page is shown on. */
export interface Screen {
  /** Width in CSS pixels. */
  readonly width: number;
  readonly scheme: 'light' | 'dark';
}

/** A tab of a headless Chromium. */
export interface Tab {
  /** Loads a page, and resolves when its `load` event has run. */
  open(url: string): Promise<void>;
  show(screen: Screen): Promise<void>;
  /** Returns the value of an expression in the page, as JSON carries it; a promise is awaited. */
  evaluate<T>(expression: string): Promise<T>;
  /** Types into what has the focus. */
  type(text: string): Promise<void>;
  /** Returns what is on the screen as a PNG. */
  takePicture(): Promise<Buffer>;
  /** Returns the errors that pages have reported since the last time: uncaught ones, failed requests, `console.error`. */
  takeErrors(): string[];
}

/** A headless Chromium. */
export interface Chromium extends AsyncDisposable {
  /** Opens a tab that runs `script` in each of its pages before the page's scripts. */
  openTab(script: string): Promise<Tab>;
}

/** What the DevTools protocol answers and tells, as far as these tests look. */
interface Message {
  readonly id?: number;
  readonly sessionId?: string;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

type Send = <T>(method: string, params?: object) => Promise<T>;

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const HOW = 'apt-get install chromium (or put chromium or google-chrome into the PATH)';
const FLAGS = [
  '--headless',
  '--remote-debugging-pipe',
  // Chromium's sandbox does not run as root. The pages are this repository's.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--hide-scrollbars',
  '--force-prefers-reduced-motion',
  // It would keep the pages of a tab in memory.
  '--disable-features=BackForwardCache',
];

/**
 * Returns the Chromium or Chrome of the PATH; as root, Debian's is installed on first use.
 *
 * @throws {Error} whose message says what is missing and how to get it
 */
async function findChromium(): Promise<string> {
  const found = await findProgram();
  if (found !== undefined) return found;
  try {
    await aptInstall(['chromium'], ['--no-install-recommends']);
  } catch (error) {
    throw new Error(`Chromium could not be installed; to run these tests: ${HOW}`, { cause: error });
  }
  const installed = await findProgram();
  if (installed === undefined) throw new Error(`Debian's chromium does not start; to run these tests: ${HOW}`);
  return installed;
}

async function findProgram(): Promise<string | undefined> {
  for (const program of PROGRAMS) {
    const isThere = await run(program, ['--version']).then(
      () => true,
      () => false,
    );
    if (isThere) return program;
  }
  return undefined;
}

/** Starts Chromium, with a profile that is removed with it. It is driven by the DevTools protocol over two pipes. */
export async function startChromium(): Promise<Chromium> {
  const program = await findChromium();
  const profile = makeTempFolder('goldkey-chromium-');
  const browser = spawn(program, [...FLAGS, `--user-data-dir=${profile}`], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  endWithProcess(browser);
  const [, , , input, output] = browser.stdio as unknown as [null, null, null, Writable, Readable];
  const wire = openWire(input, output);
  // Its name in the messages of those who wait for an answer that will not come.
  browser.on('exit', () => wire.fail(new Error(`${program} has ended.`)));
  return {
    openTab: (script) => openTab(wire, script),
    [Symbol.asyncDispose]: async () => {
      await stopped(browser);
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Someone who waits for an answer. */
interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

interface Wire {
  /** Sends a command, to a tab if it has the tab's session, and resolves to its result. */
  send<T>(method: string, params?: object, sessionId?: string): Promise<T>;
  /** Calls `listener` with each event of a session. */
  listen(sessionId: string, listener: (method: string, params: unknown) => void): void;
  /** Rejects what is under way. */
  fail(error: Error): void;
}

/** Speaks JSON messages that end in a NUL. */
function openWire(input: Writable, output: Readable): Wire {
  const pending = new Map<number, Waiting>();
  const listeners = new Map<string, (method: string, params: unknown) => void>();
  let lastId = 0;
  let rest = '';

  const receive = ({ id, sessionId = '', method, params, result, error }: Message): void => {
    if (id === undefined) return listeners.get(sessionId)?.(method ?? '', params);
    const call = pending.get(id);
    pending.delete(id);
    if (error === undefined) call?.resolve(result);
    else call?.reject(new Error(error.message));
  };
  output.setEncoding('utf8').on('data', (chunk: string) => {
    const messages = (rest + chunk).split('\0');
    rest = messages.pop() ?? '';
    for (const message of messages) receive(JSON.parse(message) as Message);
  });
  // Writing to one that has ended; `fail` says so.
  input.on('error', () => undefined);
  return {
    send: (method, params = {}, sessionId) => {
      const id = ++lastId;
      return new Promise<never>((resolve, reject) => {
        pending.set(id, { resolve: (result) => resolve(result as never), reject });
        input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
      });
    },
    listen: (sessionId, listener) => listeners.set(sessionId, listener),
    fail: (error) => {
      for (const { reject } of pending.values()) reject(error);
      pending.clear();
    },
  };
}

async function openTab(wire: Wire, script: string): Promise<Tab> {
  const { targetId } = await wire.send<{ targetId: string }>('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await wire.send<{ sessionId: string }>('Target.attachToTarget', { targetId, flatten: true });
  const send: Send = (method, params) => wire.send(method, params, sessionId);
  const errors: string[] = [];
  /** What to do when a document has loaded, by its id; nothing, once it has. */
  const loads = new Map<string, () => void>();
  wire.listen(sessionId, (method, params) => {
    const { name, loaderId = '' } = params as { name?: string; loaderId?: string };
    if (method === 'Page.lifecycleEvent' && name === 'load') {
      loads.get(loaderId)?.();
      loads.set(loaderId, () => undefined);
    }
    const error = describeError(method, params);
    if (error !== undefined) errors.push(error);
  });
  for (const domain of ['Page', 'Runtime', 'Log']) await send(`${domain}.enable`);
  await send('Page.setLifecycleEventsEnabled', { enabled: true });
  await send('Page.addScriptToEvaluateOnNewDocument', { source: script });
  return {
    open: async (url) => {
      const { loaderId, errorText } = await send<{ loaderId: string; errorText?: string }>('Page.navigate', { url });
      if (errorText !== undefined) throw new Error(`${url}: ${errorText}`);
      if (!loads.has(loaderId)) await new Promise<void>((resolve) => loads.set(loaderId, resolve));
    },
    show: async ({ width, scheme }) => {
      const metrics = { width, height: 900, deviceScaleFactor: 1, mobile: width < 768 };
      await send('Emulation.setDeviceMetricsOverride', metrics);
      await send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
    },
    evaluate: async <T>(expression: string) => {
      const { result, exceptionDetails } = await send<Evaluated>('Runtime.evaluate', {
        ...{ expression, awaitPromise: true, returnByValue: true },
      });
      if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? expression);
      return result.value as T;
    },
    type: async (text) => {
      await send('Input.insertText', { text });
    },
    takePicture: async () => {
      const { data } = await send<{ data: string }>('Page.captureScreenshot');
      return Buffer.from(data, 'base64');
    },
    takeErrors: () => errors.splice(0),
  };
}

interface Evaluated {
  readonly result: { readonly value?: unknown };
  readonly exceptionDetails?: Exception;
}

interface Exception {
  readonly text: string;
  readonly exception?: { readonly description?: string };
}

/** Returns what is wrong, if an event says that something is. */
function describeError(method: string, params: unknown): string | undefined {
  if (method === 'Runtime.exceptionThrown') {
    const { text, exception } = (params as { exceptionDetails: Exception }).exceptionDetails;
    return exception?.description ?? text;
  }
  if (method === 'Log.entryAdded') {
    const { level, text, url = '' } = (params as { entry: { level: string; text: string; url?: string } }).entry;
    return level === 'error' ? `${text} ${url}` : undefined;
  }
  if (method !== 'Runtime.consoleAPICalled') return undefined;
  const { type, args } = params as { type: string; args: ReadonlyArray<{ value?: unknown; description?: string }> };
  if (type !== 'error' && type !== 'assert') return undefined;
  return `console.${type}: ${args.map(({ value, description }) => String(value ?? description)).join(' ')}`;
}
