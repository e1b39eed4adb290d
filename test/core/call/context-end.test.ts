import { inspect } from 'node:util';

import { describe, expect, it } from 'vitest';
import { KeyedClient, type KeyContext } from '../../../src/index.js';
import { manualClock } from '../../../src/testing/index.js';
import { A, scene, testApi, testStore } from '../scene.js';

describe('a context', () => {
  it('shows what run it is in, and no key, and nothing once the call has settled', async () => {
    const { client } = scene();
    let kept: KeyContext | undefined;
    const shown = await client.withKey(async (context) => {
      kept = context;
      return [JSON.parse(JSON.stringify(context)) as unknown, inspect(context)];
    });

    expect(shown).toEqual([
      { version: 'v1', stage: 'current', attempt: 1 },
      "{ version: 'v1', stage: 'current', attempt: 1 }",
    ]);
    expect(JSON.stringify(kept)).toBe('{"settled":true}');
    expect(inspect(kept)).toBe('{ settled: true }');
    expect(() => kept?.apiKey).toThrow(
      'The call has settled: read what you need of the context before its function returns.',
    );
  });

  it('settles with its own call, not with the next one that takes its place', async () => {
    const { client, call } = scene();
    // The first success with a key is news, and takes another way.
    await call();
    let kept: KeyContext | undefined;
    await client.withKey(async (context) => void (kept = context));
    const during = await client.withKey(async ({ version }) => {
      expect(() => kept?.version).toThrow(TypeError);
      return version;
    });

    expect(during).toBe('v1');
  });
});

describe('a client that asks the caller about every outcome', () => {
  it.each(['isKeyRejected', 'isTransient'] as const)('by `%s` does so for plain results too', async (name) => {
    const clock = manualClock();
    const store = testStore(clock, { current: A });
    const seen: unknown[] = [];
    const client = new KeyedClient({
      keyProvider: store,
      clock,
      retry: true,
      [name]: (outcome: unknown) => {
        seen.push(outcome);
        return false;
      },
    });
    await client.withKey(testApi(clock, A).fetch);
    await client.withKey(async () => 'plain');

    expect(seen).toEqual([{ result: `price by ${A}` }, { result: 'plain' }]);
  });
});
