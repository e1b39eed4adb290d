import { describe, expect, it } from 'vitest';
import { KeyProviderError } from '../../../src/index.js';
import { A, B, C, loadsOf, refusal, scene, watch, type Scene } from '../scene.js';

const REJECTED = { code: 'ERR_GOLDKEY_REJECTED' };

/** A call whose function is refused whatever the key; its error. */
const refuse = ({ client }: Scene): Promise<unknown> =>
  client.withKey(() => Promise.reject(refusal())).catch((error: unknown) => error);

describe('while refusals cool down', () => {
  it('a key refused again is `rejected` without a load, until a call succeeds with it', async () => {
    const play = scene();
    const { store, client, call } = play;
    await call();
    await refuse(play);
    await call();
    const states = [client.status().state];
    await refuse(play);
    states.push(client.status().state);
    await call();
    states.push(client.status().state);

    expect(states).toEqual(['fresh', 'rejected', 'fresh']);
    expect(loadsOf(store)).toHaveLength(2);
  });

  it('a key refused again stays `rejected` when a `reload()` fails', async () => {
    const play = scene();
    const { store, client, call } = play;
    await call();
    await refuse(play);
    await refuse(play);
    store.failure = () => new KeyProviderError('down');
    await client.reload().catch(() => undefined);

    expect(client.status()).toMatchObject({ state: 'rejected', lastErrorCode: 'ERR_GOLDKEY_PROVIDER' });
  });

  it('a suspect stays one until its reload has ended, also when a call succeeds with it', async () => {
    const play = scene();
    const { store, clock, client, call } = play;
    await call();
    await refuse(play);
    await clock.advance(5_000);
    store.latency = 2_000;
    const refused = watch(clock, refuse(play));
    const other = watch(clock, call());
    await clock.advance(300);

    expect([refused.state, other.state]).toEqual(['pending', 'resolved']);
    expect(client.status().state).toBe('suspect');
    await clock.advance(5_000);
  });

  it('a key evicted under a call that is then refused is no reason to load', async () => {
    const play = scene();
    const { store, clock, client, api, call } = play;
    await call();
    await refuse(play);
    api.latency = 100;
    api.live.clear();
    const late = watch(clock, call());
    await clock.advance(50);
    client.evict();
    await clock.advance(100);

    expect(late.error).toMatchObject(REJECTED);
    expect(loadsOf(store)).toHaveLength(2);
  });

  it('a changed key that works ends the pause: a second rotation in the same second is repaired', async () => {
    const { store, clock, api, call } = scene();
    await call();
    for (const [from, to] of [
      [A, B],
      [B, C],
    ] as const) {
      store.put('current', to);
      api.live.delete(from);
      api.live.add(to);
      expect(await call()).toBe(`price by ${to}`);
      await clock.advance(100);
    }

    expect(loadsOf(store)).toHaveLength(3);
  });
});
