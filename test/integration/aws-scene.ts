import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { GoldDataClient, type KeyProvider } from '../../src/core/index.js';
import { metalsApi, type Quote } from '../../src/prices/index.js';
import { startFakePriceApi, type FakePriceApi } from '../../src/testing/fake-price-api/server.js';
import { manualClock, type ManualClock } from '../../src/testing/manual-clock.js';

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
