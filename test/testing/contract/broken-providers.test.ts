import { describe, expect, it, vi } from 'vitest';
import { KeyAccessDeniedError, KeyProviderError, type LoadRequest } from '../../../src/core/index.js';
import {
  ABORTED,
  ABORTING,
  ALL,
  BYTE_FOR_BYTE,
  DENIED,
  KNOWN,
  OWN_BYTES,
  ROTATED,
  STAGES,
  STOPPED,
  TIMES,
  encode,
  fixtures,
  goodLoad,
  run,
  turn,
  type Create,
  type Load,
  type Report,
  type Store,
} from './fixtures.js';

/** A good load whose key is then changed. */
function altered(change: (loaded: object, store: Store, request: LoadRequest) => object | undefined): Load {
  return async (store, request) => {
    const loaded = await goodLoad(store, request);
    return (loaded === undefined || 'unchanged' in loaded ? loaded : change(loaded, store, request)) as typeof loaded;
  };
}

const shared = new Map<Store, Uint8Array>();

const broken: [string, Create, string[]][] = [
  ['has no name', fixtures(goodLoad, { name: '' }), [BYTE_FOR_BYTE]],
  ['gives an empty version', fixtures(altered((key) => ({ ...key, version: '' }))), [BYTE_FOR_BYTE, ROTATED]],
  [
    'escapes the key',
    fixtures(altered((key, store) => ({ ...key, bytes: encode(encodeURIComponent(store.key)) }))),
    [BYTE_FOR_BYTE, OWN_BYTES, KNOWN, ABORTED, ABORTING, ROTATED],
  ],
  [
    'has no key',
    fixtures(async (_store, { signal }) => void (await turn(signal))),
    ALL.filter((title) => title !== STAGES),
  ],
  ['gives an expiry in the past', fixtures(altered((key) => ({ ...key, expiresAt: Date.now() - 1 }))), [TIMES]],
  ['gives an expiry in seconds', fixtures(altered((key) => ({ ...key, expiresAt: Date.now() / 1000 + 60 }))), [TIMES]],
  ['gives a hard end that is no number', fixtures(altered((key) => ({ ...key, until: NaN }))), [TIMES]],
  ['gives a creation to come', fixtures(altered((key) => ({ ...key, createdAt: Date.now() * 1000 }))), [TIMES]],
  [
    'hands out its own buffer',
    fixtures(
      altered((key, store) => {
        const bytes = shared.get(store) ?? encode(store.key);
        shared.set(store, bytes);
        return { ...key, bytes };
      }),
    ),
    [OWN_BYTES, ROTATED],
  ],
  [
    'throws for a stage it does not have',
    fixtures((store, request) =>
      request.stage === 'current' ? goodLoad(store, request) : Promise.reject(new KeyProviderError('no such stage')),
    ),
    [STAGES],
  ],
  [
    'gives an empty key for a stage it does not have',
    fixtures(async (store, request) =>
      request.stage === 'current' ? await goodLoad(store, request) : { bytes: new Uint8Array(), version: 'none' },
    ),
    [STAGES],
  ],
  [
    'calls every key unchanged when versions are known',
    fixtures((store, request) => {
      const known = request.known === undefined ? undefined : [`v${String(store.version)}`];
      return goodLoad(store, { ...request, known });
    }),
    [KNOWN, ROTATED],
  ],
  [
    'names another version as unchanged',
    fixtures(async (store, request) => {
      const loaded = await goodLoad(store, request);
      return loaded !== undefined && 'unchanged' in loaded ? { unchanged: true, version: 'another' } : loaded;
    }),
    [KNOWN],
  ],
  [
    'looks at no signal',
    fixtures((store, request) => goodLoad(store, { ...request, signal: new AbortController().signal })),
    [ABORTED, ABORTING],
  ],
  [
    'looks at the signal before the load alone',
    fixtures(async (store, request) => {
      request.signal.throwIfAborted();
      return await goodLoad(store, { ...request, signal: new AbortController().signal });
    }),
    [ABORTING],
  ],
  [
    'looks at the signal during the first load alone',
    fixtures(
      (() => {
        const seen = new WeakSet<Store>();
        return async (store, request) => {
          request.signal.throwIfAborted();
          if (!seen.has(store)) {
            seen.add(store);
            return await goodLoad(store, request);
          }
          return await goodLoad(store, { ...request, signal: new AbortController().signal });
        };
      })(),
    ),
    [ABORTING],
  ],
  [
    'turns an abort into a permanent error',
    fixtures((store, request) =>
      goodLoad(store, request).catch((error: unknown) => {
        throw request.signal.aborted ? new KeyAccessDeniedError('aborted') : error;
      }),
    ),
    [ABORTED, ABORTING],
  ],
  [
    'is dead after an abort',
    fixtures(
      (() => {
        const dead = new WeakSet<Store>();
        return async (store, request) => {
          request.signal.addEventListener('abort', () => dead.add(store));
          if (request.signal.aborted) dead.add(store);
          if (dead.has(store)) throw new KeyProviderError('dead');
          return await goodLoad(store, request);
        };
      })(),
    ),
    [ABORTED, ABORTING],
  ],
  ['keeps the old key after a rotation', fixtures(goodLoad, { rotate: async () => undefined }), [ROTATED]],
  ['keeps the version after a rotation', fixtures(altered((key) => ({ ...key, version: 'v0' }))), [ROTATED]],
  ['serves on when denied', fixtures(goodLoad, { deny: async () => undefined }), [DENIED]],
  ['serves on when the store is down', fixtures(goodLoad, { stop: async () => undefined }), [STOPPED]],
  [
    'cannot tell a refusal from an outage',
    fixtures((store, request) =>
      goodLoad(store, request).catch((error: unknown) => {
        throw error instanceof KeyAccessDeniedError ? new KeyProviderError('failed') : error;
      }),
    ),
    [DENIED],
  ],
  [
    'cannot tell an outage from a refusal',
    fixtures((store, request) =>
      goodLoad(store, request).catch((error: unknown) => {
        throw error instanceof KeyProviderError ? new KeyAccessDeniedError('failed') : error;
      }),
    ),
    [STOPPED],
  ],
  [
    'lets the errors of its SDK out',
    fixtures((store, request) =>
      goodLoad(store, request).catch((error: unknown) => {
        throw request.signal.aborted ? error : new Error('AccessDeniedException');
      }),
    ),
    [DENIED, STOPPED],
  ],
  ['reports a missing key as undefined when denied', fixtures(quiet), [DENIED, STOPPED]],
];

/** Turns every failure into "not found". */
function quiet(...[store, request]: Parameters<Load>): ReturnType<Load> {
  return goodLoad(store, request).catch((error: unknown) => {
    if (request.signal.aborted) throw error;
    return undefined;
  });
}

describe('keyProviderContract fails a provider that', () => {
  for (const [what, create, titles] of broken) {
    it(what, async () => {
      expect((await run(create)).failed).toEqual(titles);
    });
  }

  const encodings: [string, (key: string) => unknown][] = [
    ['as it is', (key) => new KeyAccessDeniedError(`refused: ${key}`)],
    ['URL-encoded', (key) => new KeyAccessDeniedError('refused', { cause: `?key=${encodeURIComponent(key)}` })],
    ['in JSON', (key) => new KeyAccessDeniedError('refused', { cause: { body: JSON.stringify({ key }) } })],
    ['in base64', (key) => new KeyAccessDeniedError(btoa(key))],
    ['in hex', (key) => new KeyAccessDeniedError(Buffer.from(key).toString('hex'))],
    ['in a Buffer', (key) => Object.assign(new KeyAccessDeniedError('refused'), { body: Buffer.from(key) })],
    ['in an Uint8Array', (key) => Object.assign(new KeyAccessDeniedError('refused'), { body: encode(key) })],
    ['in a Map', (key) => new KeyAccessDeniedError('refused', { cause: new Map([['headers', [{ key }]]]) })],
    ['in a hidden property', (key) => Object.defineProperty(new KeyAccessDeniedError('refused'), 'x', { value: key })],
  ];
  for (const [how, error] of encodings) {
    it(`puts the key into an error ${how}`, async () => {
      const create = fixtures((store, request) =>
        goodLoad(store, request).catch((failure: unknown) => {
          throw failure instanceof KeyAccessDeniedError ? error(store.key) : failure;
        }),
      );
      expect((await run(create)).failed).toEqual([DENIED]);
    });
  }

  it('puts the key into the error of an abort, or of an outage', async () => {
    const create = fixtures((store, request) =>
      goodLoad(store, request).catch((failure: unknown) => {
        if (failure instanceof KeyAccessDeniedError) throw failure;
        throw new KeyProviderError('failed', { cause: { store } });
      }),
    );
    expect((await run(create)).failed).toEqual([ABORTED, ABORTING, STOPPED]);
  });
});

/** Rejects when the signal aborts, `late` ms after. */
function untilAborted(signal: AbortSignal, late = 0): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => {
      setTimeout(reject, late, signal.reason);
    });
  });
}

/** As `run`, with every timer fired as soon as nothing else is left to do. */
async function runInNoTime(create: Create): Promise<Report> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const reports: Report[] = [];
    void run(create).then((report) => reports.push(report));
    while (reports.length === 0) {
      await vi.advanceTimersToNextTimerAsync();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return reports[0] as Report;
  } finally {
    vi.useRealTimers();
  }
}

describe('keyProviderContract, with a provider that hangs,', () => {
  it('accepts one that tries a dead store until the deadline, then rejects with the reason', async () => {
    const create = fixtures((store, request) =>
      store.state === 'down' ? untilAborted(request.signal) : goodLoad(store, request),
    );
    expect((await runInNoTime(create)).failed).toEqual([]);
  });

  it('fails one that outlives its deadline', async () => {
    const create = fixtures((store, request) =>
      store.state === 'down' ? untilAborted(request.signal, 60_000) : goodLoad(store, request),
    );
    expect((await runInNoTime(create)).failed).toEqual([STOPPED]);
  });

  it('fails one that is slow to notice an abort', async () => {
    const create = fixtures((store, request) => {
      const { signal } = request;
      const deaf = { ...request, signal: new AbortController().signal };
      const load = goodLoad(store, deaf).then((loaded) => (signal.aborted ? untilAborted(signal) : loaded));
      return Promise.race([untilAborted(signal, 60_000), signal.aborted ? untilAborted(signal) : load]);
    });
    expect((await runInNoTime(create)).failed).toEqual([ABORTED, ABORTING]);
  });
});
