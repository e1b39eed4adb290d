import { describe, expect, it } from 'vitest';
import { KeyProviderError, type Rollout } from '../../../src/index.js';
import { A, B, C, pause, refusal, scene, type Scene } from '../scene.js';

/** A client that takes part in a canary of B. */
async function canary(rollout: Rollout = { id: 'one', pendingPercent: 100 }): Promise<Scene & { reverted: unknown[] }> {
  const play = scene({}, { current: A, pending: B });
  const reverted: unknown[] = [];
  play.client.on('rollout-reverted', ({ rejections, version, stage }) => reverted.push([rejections, version, stage]));
  play.store.roll(rollout);
  await play.client.prefetch();
  return { ...play, reverted };
}

/** Calls `count` times; those whose numbers are given, counted from 1, are refused with the canary's key. */
async function calls({ client }: Scene, count: number, refused: readonly number[]): Promise<void> {
  for (let number = 1; number <= count; number++) {
    await client.withKey(async ({ stage }) => {
      if (stage === 'pending' && refused.includes(number)) throw refusal();
      return stage;
    });
  }
}

const stageOf = ({ client }: Scene): Promise<string> => client.withKey(async ({ stage }) => stage);

describe('a canary', () => {
  it('does not empty the status before its key has come: the current one has served', async () => {
    const play = await canary();

    const before = play.client.status();
    await stageOf(play);

    expect(before).toMatchObject({ state: 'fresh', version: 'v1', stage: 'current' });
    expect(play.client.status()).toMatchObject({ state: 'fresh', version: 'v2', stage: 'pending' });
  });

  it('is left at the third refusal of twenty calls, which the event says', async () => {
    const play = await canary();

    await calls(play, 20, [1, 10, 20]);

    expect(play.reverted).toEqual([[3, 'v2', 'pending']]);
    expect(await stageOf(play)).toBe('current');
  });

  it.each<[string, () => Promise<void>]>([
    ['notes it', () => Promise.resolve()],
    ['cannot note it', () => Promise.reject(new Error('read-only'))],
  ])('that is left is reported to its store once, and stays left where the store %s', async (_, note) => {
    const play = await canary();
    const reports: unknown[] = [];
    play.store.report = async (report) => {
      reports.push(report);
      await note();
    };

    await calls(play, 6, [1, 2, 3, 4, 5, 6]);

    expect(reports).toEqual([{ version: 'v2', rejections: 3 }]);
    expect(await stageOf(play)).toBe('current');
  });

  it('is not left when the third refusal comes one call later', async () => {
    const play = await canary();

    await calls(play, 21, [1, 10, 21]);

    expect(play.reverted).toEqual([]);
    expect(await stageOf(play)).toBe('pending');
  });

  it('is not left for the refusals of `current`, while its own key cannot be had', async () => {
    const play = await canary();
    const { store, client, api, call } = play;
    const load = store.load.bind(store);
    let failing = true;
    store.load = async (request) => {
      if (failing && request.stage === 'pending') throw new KeyProviderError('down');
      return load(request);
    };
    api.live.clear();
    for (const next of [C, A, C, A]) {
      store.put('current', next);
      api.live.add(next);
      await call();
      api.live.delete(next);
    }
    failing = false;
    await play.clock.advance(60_000);

    expect(client.status().counts.repairs).toBeGreaterThanOrEqual(3);
    expect(await stageOf(play)).toBe('pending');
    expect(play.reverted).toEqual([]);
  });

  it('counts anew under another rollout', async () => {
    const play = await canary();
    await calls(play, 2, [1, 2]);
    play.store.roll({ id: 'two', pendingPercent: 100 });
    await play.client.reload();

    await calls(play, 2, [1, 2]);

    expect(play.reverted).toEqual([]);
    expect(await stageOf(play)).toBe('pending');
  });

  it('goes on counting when only its share grows', async () => {
    const play = await canary({ id: 'one', pendingPercent: 99.999 });
    await calls(play, 2, [1, 2]);
    play.store.roll({ id: 'one', pendingPercent: 100 });
    await play.client.reload();

    await calls(play, 1, [1]);

    expect(play.reverted).toEqual([[3, 'v2', 'pending']]);
  });

  it('that was left is not left a second time', async () => {
    const play = await canary();
    await calls(play, 3, [1, 2, 3]);
    const { client, clock } = play;
    await clock.advance(1_000);
    await client.reload();

    await calls(play, 5, [1, 2, 3, 4, 5]);

    expect(play.reverted).toHaveLength(1);
    expect(client.status().counts.rejections).toBe(3);
  });

  it('refused in many calls at a time is left once', async () => {
    const play = await canary();
    const { clock, client } = play;
    const together = Array.from({ length: 7 }, () =>
      client.withKey(async ({ stage }) => {
        await pause(clock, 100);
        if (stage === 'pending') throw refusal();
        return stage;
      }),
    );
    await clock.advance(1_000);

    expect(await Promise.all(together)).toEqual(together.map(() => 'current'));
    expect(play.reverted).toHaveLength(1);
  });

  it('of 0 % is not left, however often its key is tried as a last resort and refused', async () => {
    const play = await canary({ id: 'one', pendingPercent: 0 });
    const { api, call } = play;
    const used: string[] = [];
    for (let round = 0; round < 5; round++) {
      for (const [from, to] of [
        [A, B],
        [B, A],
      ] as const) {
        api.live.delete(from);
        api.live.add(to);
        used.push(await call());
      }
    }

    expect(used).toEqual(Array.from({ length: 10 }, (_, index) => `price by ${index % 2 === 0 ? B : A}`));
    expect(play.reverted).toEqual([]);
  });

  it('that was left is no last resort either', async () => {
    const play = await canary();
    await calls(play, 3, [1, 2, 3]);
    play.api.live.delete(A);

    await expect(play.call()).rejects.toMatchObject({ code: 'ERR_GOLDKEY_REJECTED' });
    expect(play.api.calls).toEqual([A]);
  });
});

describe('a rollout', () => {
  const told = async (rollouts: Rollout[]): Promise<unknown[]> => {
    const { store, clock, client } = scene({}, { current: A, pending: B });
    const percents: unknown[] = [];
    client.on('rollout-changed', ({ pendingPercent, stage }) => percents.push([pendingPercent, stage]));
    for (const rollout of rollouts) {
      store.roll(rollout);
      const reload = client.reload();
      await clock.advance(1_000);
      await reload;
    }
    return percents;
  };

  it('is told of when it starts, grows, and is replaced, and not when it stays as it is', async () => {
    expect(
      await told([
        { id: 'one', pendingPercent: 10 },
        { id: 'one', pendingPercent: 10 },
        { id: 'one', pendingPercent: 20 },
        { id: 'two', pendingPercent: 20 },
        { id: 'two', pendingPercent: 0 },
      ]),
    ).toEqual([
      [10, 'current'],
      [20, 'current'],
      [20, 'current'],
      [0, 'current'],
    ]);
  });

  it('that is none, from the start, is nothing new; one at 0 % is told', async () => {
    expect(await told([{ id: '', pendingPercent: 0 }])).toEqual([]);
    expect(await told([{ id: 'one', pendingPercent: 0 }])).toEqual([[0, 'current']]);
    expect(
      await told([
        { id: '', pendingPercent: 0 },
        { id: 'two', pendingPercent: 0 },
      ]),
    ).toEqual([[0, 'current']]);
  });

  it.each<[string, unknown]>([
    ['without an `id`', { pendingPercent: 100 }],
    ['with an `id` that is no text', { id: 1, pendingPercent: 100 }],
    ['with a share that is no number', { id: 'one', pendingPercent: '100' }],
    ['with a share that is not a number', { id: 'one', pendingPercent: Number.NaN }],
  ])('%s is none', async (_, rollout) => {
    expect(await told([rollout as Rollout])).toEqual([]);
  });
});
