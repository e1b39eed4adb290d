import { FleetModel } from '../lib/fleet-model.mjs';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** How often an instance calls while a key is replaced, so that what is measured is not the wait for its next call, in ms. */
const BUSY = 5 * SECOND;
/** Somebody waits so long, at most, for every instance to use a promoted key. */
const GIVE_UP = 30 * MINUTE;

/** What a fleet is like: goldkey's defaults, and an account that is locked for a quarter of an hour by 100 refusals a minute. */
export const FLEET = {
  callEvery: MINUTE,
  life: 8 * HOUR,
  lost: 0.05,
  noticeWithin: SECOND,
  lockAfter: 100,
  lockFor: 15 * MINUTE,
};
/** When what happens, in hours. */
export const EVENTS = { rotation: 6, deployment: 12, leak: 16 };

/** Lives through a day of a fleet, and resolves to its figures. */
export async function day({ instances, hours, seed, subscribes }) {
  const fleet = new FleetModel({ ...FLEET, instances, seed, subscribes, client: {} });
  const at = (hour) => fleet.pass(Math.max(0, hour * HOUR - fleet.clock.monotonic()));
  const keyOf = (number) => `sk-invented-simulated-${String(number).padStart(6, '0')}`;
  const refusedBy = async (run) => {
    const before = { refused: fleet.refused, failed: failuresOf(fleet), locks: fleet.locks };
    await run();
    return {
      refused: fleet.refused - before.refused,
      failed: failuresOf(fleet) - before.failed,
      locks: fleet.locks - before.locks,
    };
  };
  /** Promotes a staged key, and resolves to how long it took until 99 % and all of the instances used it, in ms. */
  const promoted = async (version, options) => {
    fleet.callEvery = BUSY;
    await fleet.pass(2 * FLEET.callEvery);
    options.before?.();
    await fleet.manager.promote({ version, overlap: options.overlap, cutover: options.cutover });
    const from = fleet.clock.monotonic();
    let most;
    await fleet.pass(GIVE_UP, () => {
      const using = fleet.using(version);
      if (using >= 0.99 * instances) most ??= fleet.clock.monotonic() - from;
      return using === instances;
    });
    const took = fleet.clock.monotonic() - from;
    fleet.callEvery = FLEET.callEvery;
    return { most: most ?? Infinity, all: fleet.using(version) === instances ? took : Infinity };
  };

  fleet.accept(keyOf(1));
  await fleet.manager.init(keyOf(1));
  fleet.deploy(10 * MINUTE);
  await fleet.pass(11 * MINUTE);

  await at(EVENTS.rotation);
  let settled;
  const rotation = await refusedBy(async () => {
    fleet.accept(keyOf(2));
    const { version } = await fleet.manager.stage(keyOf(2));
    await fleet.manager.canary(5, { version });
    await fleet.pass(30 * MINUTE);
    await fleet.manager.canary(25, { version });
    await fleet.pass(30 * MINUTE);
    settled = await promoted(version, { overlap: HOUR });
    await fleet.pass(HOUR);
    fleet.revoke(keyOf(1));
    await fleet.manager.retire({ force: true });
    await fleet.pass(HOUR);
  });

  await at(EVENTS.deployment);
  fleet.deploy(10 * MINUTE);

  await at(EVENTS.leak);
  let replaced;
  const leak = await refusedBy(async () => {
    fleet.accept(keyOf(3));
    const { version } = await fleet.manager.stage(keyOf(3));
    replaced = await promoted(version, { cutover: true, before: () => fleet.revoke(keyOf(2)) });
    await fleet.pass(HOUR);
  });

  await at(hours);
  const { minutes, calls, failed } = fleet;
  await fleet.close();
  return { subscribes, minutes, calls, failed, rotation: { ...rotation, ...settled }, leak: { ...leak, ...replaced } };
}

function failuresOf({ failed }) {
  return Object.values(failed).reduce((sum, count) => sum + count, 0);
}
