import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

let code: string;
beforeAll(async () => {
  // As a bundler for the browser would: `process` is not defined there, and nothing stands in for it.
  const { outputFiles } = await build({
    stdin: { contents: `export * from './src/index.ts'`, resolveDir: ROOT },
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    globalName: 'goldkey',
    target: 'es2022',
    logLevel: 'silent',
  });
  code = outputFiles[0]?.text ?? '';
});

/** Runs an expression in a realm with what browsers and edge runtimes have, and these globals. */
function run(expression: string, globals: object = {}): unknown {
  const web = { AbortController, AbortSignal, TextEncoder, TextDecoder, URL, queueMicrotask, setTimeout, clearTimeout };
  const context = createContext({ ...web, ...globals });
  runInContext(code, context);
  return runInContext(expression, context);
}

const attempt = (what: string): string =>
  `(() => { try { ${what}; return 'no error'; } catch (error) { return error; } })()`;
const PROVIDER = `{ name: 'mine', load: async () => undefined }`;

describe.each([
  ['a browser', {}],
  ['a bundle with a stand-in for `process`', { process: { env: {}, nextTick: queueMicrotask } }],
  [
    'an edge runtime that has some of Node.js',
    { process: { env: {}, versions: {}, getBuiltinModule: () => undefined } },
  ],
] as Array<[string, object]>)('in %s', (_, globals) => {
  it.each([
    ['KeyedClient', `new goldkey.KeyedClient({ keyProvider: ${PROVIDER} })`],
    ['GoldDataClient', `new goldkey.GoldDataClient({ keyProvider: ${PROVIDER}, fetchPrice: async () => 1 })`],
  ])('the constructor of %s refuses in one sentence that names what runs it', (__, what) => {
    const error = run(attempt(what), globals) as Error;

    expect(String(error)).toMatch(/Node\.js.*Bun.*Deno.*workerd/);
    expect(String(error)).toContain('nodejs_compat');
    expect(error.message.match(/[.!?](?:\s|$)/g)).toHaveLength(1);
  });

  it('loading it alone is no error: a bundle may hold it without using it', () => {
    expect(run('typeof goldkey.KeyedClient', globals)).toBe('function');
  });
});

describe('in Node.js', () => {
  it('the same bundle makes a client', () => {
    expect(
      run(attempt(`new goldkey.KeyedClient({ keyProvider: ${PROVIDER} })`), { process, Buffer, setImmediate }),
    ).toBe('no error');
  });
});
