import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { GoldDataClient, type KeyProvider } from '../../src/core/index.js';
import { metalsApi, type Quote } from '../../src/prices/index.js';
import { assertNoSecret } from '../../src/testing/index.js';
import { startFakePriceApi, type FakePriceApi } from '../../src/testing/fake-price-api/server.js';
import { manualClock, type ManualClock } from '../../src/testing/manual-clock.js';
import { failure } from '../providers/loading.js';

/** A way to a server that can be cut, and opened again at the same address, while the server runs on. */
export interface Relay {
  readonly url: string;
  cut(): Promise<void>;
  open(): Promise<void>;
  /** Answers in the server's place as AWS does where IAM refuses: moto's own refusal is XML, which AWS never sends here. */
  refuse(): void;
}

const REFUSAL = JSON.stringify({
  __type: 'AccessDeniedException',
  Message: 'User: arn:aws:sts::111122223333:assumed-role/reader is not authorized to perform this action',
});

export async function startRelay(url: string): Promise<Relay> {
  const sockets = new Set<Socket>();
  const drop = (): void => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  let isRefusing = false;
  const server = createServer((near) => {
    if (isRefusing) {
      sockets.add(near);
      near.on('error', () => near.destroy());
      near.on('data', () =>
        near.end(
          `HTTP/1.1 400 Bad Request\r\ncontent-type: application/x-amz-json-1.1\r\nconnection: close\r\n` +
            `content-length: ${String(REFUSAL.length)}\r\n\r\n${REFUSAL}`,
        ),
      );
      return;
    }
    const far = connect(Number(new URL(url).port), '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
    }
  });
  let port = 0;
  const open = async (): Promise<void> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  };
  await open();
  return {
    url: `http://127.0.0.1:${String(port)}`,
    open,
    refuse() {
      isRefusing = true;
      drop();
    },
    async cut() {
      drop();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
  };
}

/** A client of a store, and the price API that its keys open; the time is in the test's hands. */
export interface Scene extends AsyncDisposable {
  readonly gold: GoldDataClient<Quote>;
  readonly api: FakePriceApi;
  readonly clock: ManualClock;
  /** A price, the clock going on meanwhile: pauses between tries take no time of ours. */
  price(): Promise<number>;
  /** Resolves when no load runs behind the calls, the clock going on meanwhile. */
  settled(): Promise<void>;
  /** Lets the key that is held expire. */
  expire(): Promise<void>;
}

export async function serve(keyProvider: KeyProvider, keys: readonly string[]): Promise<Scene> {
  const api = await startFakePriceApi({ keys });
  const clock = manualClock();
  const gold = new GoldDataClient({ keyProvider, clock, ...metalsApi({ baseUrl: api.url }) });
  const whileTimeGoesOn = async <T>(work: Promise<T>): Promise<T> => {
    const state = { isDone: false };
    const settled = work.finally(() => (state.isDone = true));
    settled.catch(() => undefined);
    while (!state.isDone) {
      await sleep(5);
      await clock.advance(10);
    }
    return settled;
  };
  return {
    gold,
    api,
    clock,
    price: async () => (await whileTimeGoesOn(gold.getPrice('XAU'))).price,
    settled: () => whileTimeGoesOn(gold.settled()),
    expire: () => clock.advance(300_001),
    async [Symbol.asyncDispose]() {
      await gold.close();
      await api.close();
    },
  };
}

/**
 * Takes a store through the life of a key: a rotation, a refusal, an outage and a withdrawn permission. Resolves to the
 * versions before and after the rotation.
 */
export async function liveThrough(wish: {
  readonly url: string;
  readonly storeAt: (url: string) => KeyProvider;
  readonly old: string;
  readonly next: string;
  readonly put: (key: string) => Promise<unknown>;
}): Promise<readonly [before: string | undefined, after: string | undefined]> {
  const { url, storeAt, old, next, put } = wish;
  const relay = await startRelay(url);
  onTestFinished(() => relay.cut());
  await using scene = await serve(storeAt(relay.url), [old]);

  expect(await scene.price()).toBeGreaterThan(0);
  const before = scene.gold.status();

  await put(next);
  scene.api.revoke(old);
  scene.api.accept(next);
  expect(await scene.price()).toBeGreaterThan(0);
  const after = scene.gold.status();
  expect(after).toMatchObject({ counts: { loads: 2, rejections: 1, repairs: 1 } });

  await relay.cut();
  await scene.expire();
  expect(await scene.price()).toBeGreaterThan(0);
  await scene.settled();
  expect(scene.gold.status()).toMatchObject({ version: after.version, lastErrorCode: 'ERR_GOLDKEY_PROVIDER' });

  await relay.open();
  await scene.clock.advance(31_000);
  expect(await scene.price()).toBeGreaterThan(0);
  await scene.settled();
  expect(scene.gold.status()).toMatchObject({ state: 'fresh', version: after.version });

  relay.refuse();
  await scene.expire();
  // Whoever has a key waits for the store a moment only; its refusal then ends that key for everybody.
  await scene.price().catch(() => undefined);
  await scene.settled();
  const refused = await failure(scene.price());
  expect(refused).toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED', retryable: false });
  assertNoSecret(refused, next);
  expect(scene.gold.status()).toMatchObject({ state: 'backing-off' });
  return [before.version, after.version];
}
