import fc from 'fast-check';
import type { CallSpec, Fault, World } from './world.js';

/** One thing that happens. */
export type Action =
  | ({ do: 'call'; times: number } & CallSpec)
  | { do: 'pass'; ms: number }
  | { do: 'rotate'; where: 'store' | 'api' | 'both'; keepOld: boolean }
  | { do: 'fault'; fault: Fault; latency: number; stubborn: boolean }
  | { do: 'evict' | 'reload' | 'prefetch' | 'close'; client: number }
  | { do: 'freeze'; ms: number }
  | { do: 'setWall'; by: number }
  | { do: 'rollout'; percent: number; id: string; revoke: boolean }
  | { do: 'stage'; stage: 'pending' | 'previous'; there: boolean; live: boolean };

const client = fc.nat({ max: 2 });
const moments = fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: 6_000 }), fc.constantFrom(0, 1, 250, 1_000, 5_000));

const call = fc.record({
  do: fc.constant('call' as const),
  times: fc.constantFrom(1, 1, 2, 5),
  client,
  manner: fc.oneof(
    { arbitrary: fc.constant('plain' as const), weight: 6 },
    {
      arbitrary: fc.constantFrom('always refused' as const, 'busy once' as const, 'throws' as const, 'hangs' as const),
      weight: 3,
    },
  ),
  duration: fc.oneof(fc.constant(0), fc.nat({ max: 400 }), fc.nat({ max: 5_000 })),
  timeout: fc.option(fc.integer({ min: 1, max: 4_000 }), { nil: undefined, freq: 4 }),
  abortAfter: fc.option(fc.nat({ max: 1_000 }), { nil: undefined, freq: 4 }),
  once: fc.boolean().map((once) => once),
});

export const action: fc.Arbitrary<Action> = fc.oneof(
  { arbitrary: call, weight: 10 },
  { arbitrary: fc.record({ do: fc.constant('pass' as const), ms: moments }), weight: 8 },
  { arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat({ max: 40_000 }) }), weight: 2 },
  {
    arbitrary: fc.record({
      do: fc.constant('rotate' as const),
      where: fc.constantFrom('store' as const, 'api' as const, 'both' as const),
      keepOld: fc.boolean(),
    }),
    weight: 3,
  },
  {
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      fault: fc.constantFrom<Fault>('none', 'none', 'passing', 'for good'),
      latency: fc.constantFrom(0, 0, 20, 240, 260, 1_500, 3_000),
      stubborn: fc.boolean(),
    }),
    weight: 4,
  },
  {
    arbitrary: fc.record({ do: fc.constantFrom('evict' as const, 'reload' as const, 'prefetch' as const), client }),
    weight: 3,
  },
  { arbitrary: fc.record({ do: fc.constant('close' as const), client }), weight: 1 },
  { arbitrary: fc.record({ do: fc.constant('freeze' as const), ms: fc.constantFrom(500, 10_000, 60_000) }), weight: 1 },
  {
    arbitrary: fc.record({
      do: fc.constant('setWall' as const),
      by: fc.constantFrom(-100_000, -2_000, -900, 900, 100_000),
    }),
    weight: 1,
  },
  {
    arbitrary: fc.record({
      do: fc.constant('rollout' as const),
      percent: fc.constantFrom(0, 50, 100),
      id: fc.constantFrom('one', 'two'),
      revoke: fc.boolean(),
    }),
    weight: 2,
  },
  {
    arbitrary: fc.record({
      do: fc.constant('stage' as const),
      stage: fc.constantFrom('pending' as const, 'previous' as const),
      there: fc.boolean(),
      live: fc.boolean(),
    }),
    weight: 1,
  },
);

/** Lets it happen. What it starts goes on; only `pass` moves the clock. */
export async function perform(world: World, what: Action): Promise<void> {
  const { clock, clients } = world;
  switch (what.do) {
    case 'call':
      for (let index = 0; index < what.times; index++) world.call(what);
      break;
    case 'pass':
      await clock.advance(what.ms);
      break;
    case 'rotate':
      rotate(world, what);
      break;
    case 'fault':
      Object.assign(world, { fault: what.fault, latency: what.latency, stubborn: what.stubborn });
      break;
    case 'evict':
      world.evict(what.client);
      break;
    case 'reload':
    case 'prefetch':
    case 'close':
      clients[what.client % clients.length]?.[what.do]().catch(() => undefined);
      break;
    case 'freeze':
      // An answer on its way was given before: let it arrive before, too.
      await clock.advance(0);
      clock.freeze(what.ms);
      break;
    case 'setWall':
      await clock.advance(0);
      clock.setWall(clock.now() + what.by);
      break;
    case 'rollout': {
      world.rollout = { id: what.id, pendingPercent: what.percent };
      const pending = world.keyOf('pending');
      if (pending !== undefined && what.revoke) world.live.delete(pending);
      break;
    }
    case 'stage': {
      const key = what.there ? world.newKey() : undefined;
      world.put(what.stage, key);
      if (key !== undefined && what.live) world.live.add(key);
      break;
    }
  }
}

/** At the store, at the price API or at both; the other one follows with the next rotation, or never. */
function rotate(world: World, { where, keepOld }: { where: string; keepOld: boolean }): void {
  const old = world.keyOf('current');
  const next = world.newKey();
  if (where !== 'api') {
    world.put('current', next);
    if (keepOld && old !== undefined) world.put('previous', old);
  }
  if (where === 'store') return;
  world.live.add(next);
  if (old !== undefined && !keepOld) world.live.delete(old);
}
