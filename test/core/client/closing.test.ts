import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { KeyedClient } from '../../../src/index.js';
import { manualClock } from '../../../src/testing/index.js';
import { A, scene, testStore, watch } from '../scene.js';

describe('close()', () => {
  it('waits `timeout` at most for a provider that never settles', async () => {
    const { clock, store, client, call } = scene({ timeout: 3_000 });
    store.close = () => new Promise(() => undefined);
    await call();
    const closing = watch(clock, client.close());
    await clock.advance(2_999);
    const before = closing.state;
    await clock.advance(1);

    expect([before, closing.state]).toEqual(['pending', 'resolved']);
  });

  it('resolves for a provider that has nothing to close', async () => {
    const { store, client, call } = scene();
    delete (store as { close?: unknown }).close;
    await call();

    await expect(client.close()).resolves.toBeUndefined();
  });

  it('waits `timeout` at most for a subscription that never ends', async () => {
    const { clock, store, client, call } = scene({ timeout: 3_000 });
    store.subscribe = async () => () => new Promise(() => undefined);
    await call();
    const closing = watch(clock, client.close());
    await clock.advance(3_000);

    expect(closing.state).toBe('resolved');
  });

  it('waits for a function that never settles until the deadline of its call', async () => {
    const { clock, client } = scene({ timeout: 3_000 });
    const call = watch(
      clock,
      client.withKey(() => new Promise(() => undefined)),
    );
    const closing = watch(clock, client.close());
    await clock.advance(3_000);

    expect(call.error).toMatchObject({ code: 'ERR_GOLDKEY_TIMEOUT' });
    expect(closing.state).toBe('resolved');
  });

  it('rejects with the error of its provider', async () => {
    const { store, client } = scene();
    store.close = () => Promise.reject(new Error('still in use'));
    await expect(client.close()).rejects.toThrow('still in use');
  });

  it('of thousands of clients with one signal sets one listener, and ends every call in one pass', async () => {
    const clock = manualClock();
    const clients = Array.from(
      { length: 5_000 },
      () => new KeyedClient({ keyProvider: testStore(clock, { current: A }), clock }),
    );
    const calls = clients.map((client) =>
      watch(
        clock,
        client.withKey(() => new Promise(() => undefined)),
      ),
    );
    await clock.advance(0);
    const controller = new AbortController();
    const closing = clients.map((client) => client.close({ signal: controller.signal }));
    const listeners = getEventListeners(controller.signal, 'abort').length;
    controller.abort();
    await Promise.all(closing);

    expect(listeners).toBe(1);
    expect(calls.every(({ error }) => (error as { code?: string }).code === 'ERR_GOLDKEY_CLOSED')).toBe(true);
  });
});

describe('prefetch() and reload() of many clients with one signal', () => {
  it('set one listener, and take it away', async () => {
    const { signal } = new AbortController();
    const clients = Array.from({ length: 50 }, () => scene().client);
    const waiting = clients.map((client) => client.prefetch({ signal }));
    const listeners = getEventListeners(signal, 'abort').length;
    await Promise.all(waiting);
    await Promise.all(clients.map((client) => client.reload({ signal })));

    expect(listeners).toBe(1);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});
