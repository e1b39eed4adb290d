import { setTimeout as sleep } from 'node:timers/promises';
import { fromTypeScript } from '../../servers/from-typescript.mjs';
import { FleetModel } from '../lib/fleet-model.mjs';
import { openFleetScene } from '../lib/fleet-scene.mjs';
import { Program } from '../lib/program.mjs';

const { startRedis } = await fromTypeScript(new URL('../../servers/redis.ts', import.meta.url));
const PROCESSES = 6;
/** Calls a second of each process. */
const RATE = 10;
const TIMING = { ttl: 4_000, refreshAhead: 1_000 };
/**
 * In ms: until all are under way, from then until a key is staged, until it is promoted, and from then to the end. Nothing is
 * counted while they start. Between the two steps every process has read the ring: real steps take some time, modelled ones none.
 */
const [STARTING, BEFORE, STAGED, AFTER] = [5_000, 20_000, 1_000, 20_000];
/** So many fleets are simulated, and the real one is to be among all but the extreme ones, by this many standard deviations. */
const FLEETS = 200;
const DEVIATIONS = 3;
/** A notice of Redis takes so long, at most, to be heard and acted on, on a busy machine, in ms. */
const NOTICE = 100;
const KEYS = ['sk-invented-compared-000001', 'sk-invented-compared-000002'];

/** Holds the model of a fleet to real processes: how often they load, and how long until all of them use a promoted key. */
export async function comparison(seed) {
  const real = await realFleet();
  const model = [];
  for (let index = 0; index < FLEETS; index++) model.push(await modelFleet(seed + index));
  return ['loads', 'settled'].map((what) => {
    const values = model.map((each) => each[what]);
    const mean = values.reduce((sum, value) => sum + value, 0) / FLEETS;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (FLEETS - 1));
    // A real process calls when its timer lets it: a few ms are no difference.
    const slack = DEVIATIONS * deviation + (what === 'settled' ? NOTICE : 0);
    const [least, most] = [Math.max(0, mean - slack), mean + slack];
    return { what: NAMES[what], real: real[what], least, most, agrees: real[what] >= least && real[what] <= most };
  });
}

const NAMES = {
  loads: `loads of ${String(PROCESSES)} processes in ${String((BEFORE + STAGED + AFTER) / 1_000)} s`,
  settled: 'ms until all of them use a promoted key',
};

async function modelFleet(seed) {
  const fleet = new FleetModel({
    ...{ instances: PROCESSES, seed, client: TIMING, callEvery: 1_000 / RATE, beat: 1_000 / RATE / 2 },
    noticeWithin: NOTICE,
  });
  for (const key of KEYS) fleet.accept(key);
  await fleet.manager.init(KEYS[0]);
  fleet.deploy(1);
  await fleet.pass(STARTING);
  const { loads: early } = fleet;
  await fleet.pass(BEFORE);
  const { version } = await fleet.manager.stage(KEYS[1]);
  await fleet.pass(STAGED);
  const from = fleet.clock.monotonic();
  await fleet.manager.promote({ version, overlap: 60_000 });
  let settled = Infinity;
  await fleet.pass(AFTER, () => {
    if (fleet.using(version) === PROCESSES) settled = Math.min(settled, fleet.clock.monotonic() - from);
    return false;
  });
  const loads = fleet.loads - early;
  await fleet.close();
  return { loads, settled };
}

async function realFleet() {
  const redis = await startRedis();
  const scene = await openFleetScene('redis', redis.url);
  const { accepted, manager } = scene;
  const programs = [];
  try {
    for (const key of KEYS) accepted.add(key);
    await manager.init(KEYS[0]);
    const about = { ...scene.about, off: 0, rate: RATE, timing: TIMING };
    for (let index = 0; index < PROCESSES; index++)
      programs.push(
        new Program('fleet-client.mjs', [JSON.stringify({ ...about, instanceId: `host-${String(index)}` })]),
      );
    await Promise.all(programs.map((program) => program.line('ready')));
    await sleep(STARTING + BEFORE);
    const { version } = await manager.stage(KEYS[1]);
    await sleep(STAGED);
    await manager.promote({ version, overlap: 60_000 });
    const promotedAt = Date.now();
    await sleep(AFTER);
    for (const program of programs) program.tell('finish');
    await Promise.all(programs.map((program) => program.line('done')));
    const settledAt = programs.map(({ lines }) => lines.find((line) => line.version === version)?.at ?? Infinity);
    const loads = loadsUntil(programs, promotedAt + AFTER) - loadsUntil(programs, promotedAt - STAGED - BEFORE);
    return { loads, settled: Math.max(...settledAt) - promotedAt };
  } finally {
    await Promise.all(programs.map((program) => program.kill()));
    await scene.close();
    await redis[Symbol.asyncDispose]();
  }
}

/** Adds up how often each program had loaded by a moment, as far as it had told by then. */
function loadsUntil(programs, moment) {
  const told = programs.map(({ lines }) => lines.findLast(({ loads, at }) => loads !== undefined && at <= moment));
  return told.reduce((sum, { loads }) => sum + loads, 0);
}
