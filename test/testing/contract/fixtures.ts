import { expect } from 'vitest';
import { KeyAccessDeniedError, type KeyProvider, KeyProviderError, type LoadRequest } from '../../../src/core/index.js';
import {
  keyProviderContract,
  type ProviderFixture,
  type TestRunner,
} from '../../../src/testing/contract/key-provider-contract.js';

/** A store in memory that answers after a turn of the event loop, as a store elsewhere would. */
export interface Store {
  key: string;
  version: number;
  state: 'up' | 'denied' | 'down';
}
export type Load = (store: Store, request: LoadRequest) => ReturnType<KeyProvider['load']>;
export type Create = (key: string) => Promise<ProviderFixture>;

export const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Waits one turn, or rejects when the signal aborts first. */
export function turn(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
    signal.addEventListener('abort', stop);
  });
}

export const goodLoad: Load = async (store, { stage, signal, known }) => {
  await turn(signal);
  if (store.state === 'denied') throw new KeyAccessDeniedError('denied');
  if (store.state === 'down') throw new KeyProviderError('down');
  if (stage !== 'current') return undefined;
  const version = `v${String(store.version)}`;
  if (known?.includes(version) === true) return { unchanged: true, version };
  return { bytes: encode(store.key), version, expiresAt: Date.now() + 60_000, createdAt: Date.now() };
};

/** As good, but it never lets the event loop turn, and never says `unchanged`. */
export const fromMemory: Load = async (store, { stage, signal }) => {
  signal.throwIfAborted();
  if (store.state === 'denied') throw new KeyAccessDeniedError('denied');
  if (store.state === 'down') throw new KeyProviderError('down');
  return stage === 'current' ? { bytes: encode(store.key), version: String(store.version) } : undefined;
};

/** A good provider, but for what `load` or `more` does otherwise. */
export function fixtures(load: Load = goodLoad, more: Partial<ProviderFixture> & { name?: string } = {}): Create {
  return async (key) => {
    const store: Store = { key, version: 1, state: 'up' };
    const { name = 'a test store', ...hooks } = more;
    return {
      provider: { name, load: (request) => load(store, request) },
      async rotate(successor) {
        store.key = successor;
        store.version += 1;
      },
      async deny() {
        store.state = 'denied';
      },
      async stop() {
        store.state = 'down';
      },
      async cleanUp() {
        store.key = '';
      },
      ...hooks,
    };
  };
}

export interface Report {
  groups: string[];
  passed: string[];
  failed: string[];
  skipped: string[];
}

/** Runs a contract in a runner that notes what fails instead of failing. */
export async function run(create: Create): Promise<Report> {
  const report: Report = { groups: [], passed: [], failed: [], skipped: [] };
  const bodies: [string, (context: object) => Promise<void>][] = [];
  const runner: TestRunner = {
    describe(name, body) {
      report.groups.push(name);
      body();
    },
    it: (name, body) => bodies.push([name, body]),
    expect,
  };
  keyProviderContract('a test store', create, runner);
  for (const [title, body] of bodies) {
    let skipped = false;
    const context = {
      skip: () => {
        skipped = true;
      },
    };
    const outcome = await body(context).then(
      () => (skipped ? report.skipped : report.passed),
      () => report.failed,
    );
    outcome.push(title);
  }
  return report;
}

export const BYTE_FOR_BYTE = 'hands over the current key byte for byte, with a version';
export const TIMES = 'gives only times that make sense: ends lie ahead, the creation behind';
export const OWN_BYTES = "hands over bytes that are the caller's own: zeroing them harms no other load";
export const STAGES = 'answers for a stage that may have no key with a key or undefined, never with an error';
export const KNOWN = 'says `unchanged` only of a version that is among `known`';
export const ABORTED = 'rejects at once when the signal has aborted before';
export const ABORTING = 'rejects promptly when the signal aborts during a load, the first or a later one';
export const ROTATED = 'hands over the new key, under another version, after a rotation';
export const DENIED = 'rejects with a GoldKeyError that is not retryable when access is denied';
export const STOPPED =
  'rejects with a GoldKeyError that is retryable, or tries until the deadline, when the store is down';
export const ALL = [BYTE_FOR_BYTE, TIMES, OWN_BYTES, STAGES, KNOWN, ABORTED, ABORTING, ROTATED, DENIED, STOPPED];
