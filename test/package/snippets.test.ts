import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documentSnippets, programs, readDocument, snippetsIn } from '../examples/guides.js';
import { folderWithPeers, typeCheck } from './type-check.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * What the snippets take for granted. A name that one of them declares is its own. Their values, for those that run, are in
 * test/examples/snippet-globals.mjs.
 */
const AMBIENT = `
import type { GoldDataClient, GoldDataClientOptions, KeyCipher, KeyedClient, KeyProvider } from 'goldkey';
import type { Quote } from 'goldkey/prices';
import type { KeyRotationManager } from 'goldkey/rotation';
declare global {
  const gold: GoldDataClient<Quote>;
  const client: KeyedClient;
  const cipher: KeyCipher;
  const rotation: KeyRotationManager;
  const url: string;
  const [keyProvider, firstStore, secondStore]: [KeyProvider, KeyProvider, KeyProvider];
  const fetchPrice: GoldDataClientOptions<number>['fetchPrice'];
  const error: unknown;
  const [apiKey, newKey]: [string, string];
  function alertOperator(error: unknown): void;
  function callWith(key: string): Promise<unknown>;
  function ciphertextOf(tenant: string): Promise<string>;
  function tryPriceApi(key: string, signal: AbortSignal): Promise<void>;
  type Log = (...args: unknown[]) => void;
  function pino(options: { hooks: { logMethod(this: unknown, args: unknown[], method: Log): void } }): object;
}`;
const MODULES = `
declare module 'vitest' {
  export function describe(name: string, body: () => void): void;
  export function it(name: string, body: () => Promise<void>): void;
  export function expect(value: unknown): any;
  export function beforeEach(body: () => void): void;
  export function afterEach(body: () => void): void;
  export const vi: any;
}
declare module '@middy/core' {
  export default function middy(): any;
}
declare module 'express' { const express: any; export default express; }
declare module 'fastify' { const fastify: any; export default fastify; }
declare module 'fastify-plugin' { const plugin: any; export default plugin; }
declare module 'hono' { export const Hono: any; }
declare module 'hono/factory' { export const createMiddleware: any; }
declare const awslambda: any;
declare module 'axios' {
  const axios: { get(url: string, config: object): Promise<{ data: any }> };
  export default axios;
}`;
// OpenTelemetry's SDK: the tests in test/opentelemetry take its types.
const SDK = {
  'exporter-logs-otlp-http': ['OTLPLogExporter'],
  'exporter-prometheus': ['PrometheusExporter'],
  'exporter-trace-otlp-http': ['OTLPTraceExporter'],
  'instrumentation-undici': ['UndiciInstrumentation'],
  'sdk-logs': ['BatchLogRecordProcessor', 'LoggerProvider'],
  'sdk-metrics': ['MeterProvider'],
  'sdk-node': ['NodeSDK'],
  'sdk-trace-base': [
    'BasicTracerProvider',
    'BatchSpanProcessor',
    'ConsoleSpanExporter',
    'InMemorySpanExporter',
    'SimpleSpanProcessor',
  ],
};
const ALL_MODULES = [
  MODULES,
  ...Object.entries(SDK).map(
    ([name, classes]) =>
      `declare module '@opentelemetry/${name}' { ${classes.map((one) => `export const ${one}: any;`).join(' ')} }`,
  ),
].join('\n');
const TAPE = `
interface Tape { write(stage: string, key: string): Promise<void>; eject(): Promise<void>; destroy(): Promise<void> }
export declare function openTape(keys: object): Promise<Tape>;
export declare function fromTape(tape: Tape): import('goldkey').KeyProvider;`;

let folder: string;
beforeAll(async () => {
  folder = await folderWithPeers();
});
afterAll(() => rm(folder, { recursive: true }));

async function check(snippets: ReadonlyMap<string, string>): Promise<string> {
  const files = [...snippets].map(([name, code]) => [name, `${code}\nexport {};\n`] as const);
  return await typeCheck(folder, 'module', {
    'ambient.d.ts': `${AMBIENT}\nexport {};\n`,
    'modules.d.ts': ALL_MODULES,
    'tape.ts': TAPE,
    ...Object.fromEntries(files),
  });
}

describe('what a reader copies', { timeout: 120_000 }, () => {
  it('from the README type-checks as it stands', async () => {
    const codes = documentSnippets().filter(({ name }) => name.startsWith('README.md'));

    expect(codes.length).toBeGreaterThan(1);
    expect(await check(new Map(codes.map(({ code }, index) => [`readme-${String(index)}.ts`, code])))).toBe('');
  });

  it('from a guide type-checks as it stands', async () => {
    const codes = documentSnippets().filter(({ name }) => !name.startsWith('README.md'));

    expect(codes.length).toBeGreaterThan(10);
    expect(await check(new Map(codes.map(({ name, code }) => [`${name.replaceAll(/\W/g, '-')}.ts`, code])))).toBe('');
  });

  it('from a program beside a guide type-checks, as far as JavaScript does', async () => {
    const files = programs
      .filter((path) => path.endsWith('.mjs'))
      .map((path) => [path.replace(/^.*\//, ''), readDocument(path)] as const);
    const options = { allowJs: true, checkJs: true, strict: false, skipLibCheck: true };

    expect(new Set(files.map(([name]) => name)).size).toBe(files.length);
    expect(files.length).toBeGreaterThan(20);
    expect(
      await typeCheck(folder, 'module', { 'modules.d.ts': ALL_MODULES, ...Object.fromEntries(files) }, options),
    ).toBe('');
  });

  it('from the documentation of an export type-checks as it stands', async () => {
    const snippets = new Map<string, string>();
    for (const name of await readdir(join(ROOT, 'src'), { recursive: true })) {
      if (!name.endsWith('.ts')) continue;
      const text = await readFile(join(ROOT, 'src', name), 'utf8');
      const codes = snippetsIn(text.replaceAll(/^ *\* ?/gm, ''), 'ts');
      for (const [index, code] of codes.entries()) {
        snippets.set(`${name.replaceAll(/\W/g, '-')}-${String(index)}.ts`, code);
      }
    }

    expect(snippets.size).toBeGreaterThan(40);
    expect(await check(snippets)).toBe('');
  });
});
