import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Dispatcher } from 'undici';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Outgoing } from '../../src/http/types.js';

let server: Server;
let origin: string;
beforeEach(async () => {
  vi.resetModules();
  server = createServer((asked, response) => response.end(asked.rawHeaders.includes('Host') ? 'node' : 'undici'));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.doUnmock('undici');
  vi.unstubAllGlobals();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const request = (): Outgoing => ({
  ...{ origin, path: '/', method: 'GET', headers: {}, signal: new AbortController().signal },
});

/** Goes on after no failure. */
const givesUp = (): { recover: (error: unknown) => Promise<never> } => ({
  recover: vi.fn((error: unknown) => Promise.reject(error as Error)),
});

/** What other runtimes and bundlers give for undici. */
const standIns: [string, () => object][] = [
  [
    'a Pool without `dispatch`, as Bun has it',
    () => ({
      Pool: class {
        request(): void {}
      },
    }),
  ],
  ['no Pool', () => ({ Pool: undefined })],
  [
    'a Pool that cannot be made',
    () => ({
      Pool: class {
        constructor() {
          throw new Error('not implemented');
        }
        dispatch(): void {}
      },
    }),
  ],
  [
    'a `dispatch` that throws',
    () => ({
      Pool: class {
        dispatch(): never {
          throw new TypeError('not implemented');
        }
      },
    }),
  ],
];

it.each(standIns)('with %s every request of three bursts is answered, by Node’s own client', async (_, standIn) => {
  vi.doMock('undici', standIn);
  const { Origin } = await import('../../src/http/origin.js');
  const target = new Origin(origin);

  for (const burst of [1, 2, 3]) {
    const answers = await Promise.all(Array.from({ length: 40 }, () => target.send(request(), 100)));
    expect([burst, answers.map(({ text }) => text)]).toEqual([burst, Array(40).fill('node')]);
    await vi.dynamicImportSettled();
  }
});

it('without WebAssembly, as under `node --jitless`, undici is not loaded: it would end the process', async () => {
  const load = vi.fn(() => ({ Pool: undefined }));
  vi.doMock('undici', load);
  vi.stubGlobal('WebAssembly', undefined);
  Reflect.deleteProperty(globalThis, 'WebAssembly');
  const { Origin } = await import('../../src/http/origin.js');
  const target = new Origin(origin);

  for (const burst of [1, 2]) {
    const answers = await Promise.all(Array.from({ length: 40 }, () => target.send(request(), 100)));
    expect([burst, answers.map(({ text }) => text)]).toEqual([burst, Array(40).fill('node')]);
    await vi.dynamicImportSettled();
  }

  expect(load).not.toHaveBeenCalled();
});

it('with undici itself the later bursts are its own', async () => {
  const { Origin } = await import('../../src/http/origin.js');
  const target = new Origin(origin);
  await Promise.all(Array.from({ length: 40 }, () => target.send(request(), 100)));

  await expect.poll(async () => (await target.send(request(), 100)).text).toBe('undici');
});

const isZero = (chunk: Uint8Array): boolean => chunk.every((byte) => byte === 0);

it('the body of an answer that undici brought is zeroed once it is read', async () => {
  const { Collector } = await import('../../src/http/bounded-body.js');
  const { openPool, sendViaPool } = await import('../../src/http/undici-pool.js');
  const add = vi.spyOn(Collector.prototype, 'add');
  const pool = await openPool(origin, 1);

  try {
    expect(pool && (await sendViaPool(pool, request(), 100, givesUp())).text).toBe('undici');
  } finally {
    await pool?.close();
  }

  const chunks = add.mock.calls.map(([chunk]) => chunk);
  expect(Buffer.concat(chunks)).toEqual(Buffer.alloc('undici'.length));
});

it('the body of an answer that breaks off is zeroed: its connection is lost, or it is too long', async () => {
  const { sendViaPool } = await import('../../src/http/undici-pool.js');
  const bodies = [Buffer.from('half of a key'), Buffer.from('too long a body')];
  const controller = { abort: vi.fn() } as unknown as Dispatcher.DispatchController;
  const send = (body: Buffer, limit: number): Promise<unknown> => {
    const dispatch = (_options: unknown, handler: Dispatcher.DispatchHandler): boolean => {
      handler.onRequestStart?.(controller, {});
      handler.onResponseStart?.(controller, 200, {}, 'OK');
      handler.onResponseData?.(controller, body);
      expect(isZero(body)).toBe(false);
      handler.onResponseError?.(controller, new Error('broken off'));
      return true;
    };
    return sendViaPool({ dispatch } as unknown as Dispatcher, request(), limit, givesUp());
  };

  await expect(send(bodies[0] as Buffer, 100)).rejects.toThrow('broken off');
  await expect(send(bodies[1] as Buffer, 5)).rejects.toThrow('broken off');

  expect(bodies.map(isZero)).toEqual([true, true]);
  expect(controller.abort).toHaveBeenCalledTimes(1);
});

it('a request that is aborted before a connection took it is over: nothing goes on after it', async () => {
  const { sendViaPool } = await import('../../src/http/undici-pool.js');
  const ending = new AbortController();
  const recovery = givesUp();
  let handler: Dispatcher.DispatchHandler | undefined;
  const dispatch = (_options: unknown, given: Dispatcher.DispatchHandler): boolean => {
    handler = given;
    return true;
  };
  const outgoing = { ...request(), signal: ending.signal };
  const answer = sendViaPool({ dispatch } as unknown as Dispatcher, outgoing, 100, recovery);

  ending.abort(new Error('no time left'));
  // undici tells it when a connection is free.
  const controller = { abort: vi.fn() } as unknown as Dispatcher.DispatchController;
  handler?.onRequestStart?.(controller, {});
  handler?.onResponseError?.(controller, new Error('aborted'));

  await expect(answer).rejects.toThrow('no time left');
  expect(controller.abort).toHaveBeenCalledWith(ending.signal.reason);
  expect(recovery.recover).not.toHaveBeenCalled();
});

it('a request that fails twice is recovered once: a second recovery would reject to nobody', async () => {
  const { sendViaPool } = await import('../../src/http/undici-pool.js');
  const recovery = givesUp();
  const dispatch = (_options: unknown, handler: Dispatcher.DispatchHandler): never => {
    handler.onResponseError?.({} as Dispatcher.DispatchController, new Error('first'));
    throw new Error('second');
  };

  await expect(sendViaPool({ dispatch } as unknown as Dispatcher, request(), 100, recovery)).rejects.toThrow('first');
  expect(recovery.recover).toHaveBeenCalledTimes(1);
});
