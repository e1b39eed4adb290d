import { describe, expect, it } from 'vitest';
import { KeyAccessDeniedError, KeyProviderError } from '../../../src/index.js';
import { A, B, C, pause, refusal, scene, watch, type Scene } from '../scene.js';

/** A client that uses `previous`, because the price API has refused the key of `current`. */
async function preferring(): Promise<Scene> {
  const play = scene({}, { current: A, previous: B });
  play.api.live.delete(A);
  await play.call();
  await play.clock.advance(1_000);
  play.api.calls.length = 0;
  return play;
}

describe('a key that is preferred to a refused one', () => {
  it('is used on when the other cannot be loaded for a while', async () => {
    const { store, client, api, call } = await preferring();
    store.failure = () => new KeyProviderError('down');
    await client.reload().catch(() => undefined);

    expect(await call()).toBe(`price by ${B}`);
    expect(api.calls).toEqual([B]);
  });

  it('serves no longer than until the next key, once the other is denied for good', async () => {
    const { store, clock, client, api, call } = await preferring();
    const load = store.load.bind(store);
    store.load = async (request) => {
      if (request.stage === 'current') throw new KeyAccessDeniedError('no');
      return load(request);
    };
    await client.reload().catch(() => undefined);
    const meanwhile = await call();
    store.load = load;
    store.put('current', C);
    api.live.add(C);
    store.latency = 100;
    await clock.advance(1_000);
    const next = watch(clock, call());
    await clock.advance(100);

    expect([meanwhile, next.value]).toEqual([`price by ${B}`, `price by ${C}`]);
  });

  it('takes the place of the other also where that one has worked for another call meanwhile', async () => {
    const { clock, client } = scene({}, { current: A, previous: B });
    const use = (): Promise<string> => client.withKey(async ({ apiKey }) => apiKey);
    await use();
    const repaired = watch(
      clock,
      client.withKey(async ({ apiKey }) => {
        if (apiKey === A) throw refusal();
        await pause(clock, 1_000);
        return apiKey;
      }),
    );
    await clock.advance(10);
    const meanwhile = [await use(), await use()];
    await clock.advance(1_000);

    expect([meanwhile, repaired.value]).toEqual([[A, A], B]);
    expect(await use()).toBe(B);
  });
});
