// Twenty-four hours of price calls on a clock of their own, with everything going wrong that the fakes know. Prints one
// line of JSON, in which `violations` must be empty. Started by soak.test.ts with --expose-gc; told by its environment:
// SOAK_SEED, and SOAK_SECRET, which every key of the day begins with.
import { apiNinjas, commoditiesApi, goldApi, metalPriceApi, metalsApi, metalsDev, twelveData } from 'goldkey/prices';
import { DayClock, quiet, turn } from './soak-clock.mjs';
import { Desk, STORES } from './soak-desk.mjs';
import { diceOf, randomOf } from '../proof/lib/dice.mjs';
import { faultsOf } from './soak-faults.mjs';

/** The price APIs of the day. Every other one has its key by way of `goldkey/kms-light`. */
const APIS = [
  ['metals-api', metalsApi],
  ['commodities-api', commoditiesApi],
  ['metalpriceapi', metalPriceApi],
  ['goldapi', goldApi],
  ['metals-dev', metalsDev],
  ['api-ninjas', apiNinjas],
  ['twelve-data', twelveData],
];
const HOURS = 24;
const HOUR = 3_600_000;
const MINUTE = 60_000;
/** Every fourth hour nothing is wrong but the time, the callers and the keys: there every call has to succeed. */
const isCalm = (hour) => hour % 4 === 3;
/** Mean of the pauses between steps, in ms; more APIs share a few more steps. */
const PAUSE = 11_000 / (1 + 0.1 * (APIS.length - 1));
const CROWD = 40;
/** The longest back-off and the longest cooldown. */
const RECOVERED = 30_000;
const seed = Number(process.env.SOAK_SEED);
const secret = process.env.SOAK_SECRET;

const dice = diceOf(seed);
const { below, chance, oneOf } = dice;
// The client's own draws too: a seed is a day.
Math.random = randomOf(seed + 1);

const violations = [];
const unexpected = (what) => (error) => violations.push(`${what}: ${String(error?.stack ?? error)}`);
process.on('unhandledRejection', unexpected('unhandledRejection'));
function giveUp(error) {
  process.stderr.write(`${String(error?.stack ?? error)}\n`);
  process.exit(1);
}
// The fakes would hold the process.
process.on('uncaughtException', giveUp);
setTimeout(() => giveUp(new Error('The day has not ended in time.')), 150_000).unref();
process.on('warning', unexpected('warning'));

const clock = new DayClock();
const desks = [];
for (const [index, [name, adapter]] of APIS.entries()) {
  desks.push(await Desk.open(name, adapter, STORES[index % STORES.length], clock, secret));
}
// Many APIs have many alarms.
for (const desk of desks) desk.alarmFor = MINUTE / Math.ceil(APIS.length / 2);
const settle = () => quiet(clock, desks);
const pass = (ms) => clock.pass(ms, settle);

/** What is to happen to a desk at a moment to come: rotations take minutes. */
const agenda = [];
const later = (ms, desk, run) => agenda.push({ at: clock.monotonic() + ms, desk, run });
const goWrong = new Map(desks.map((desk) => [desk, faultsOf(dice, later)]));
async function runAgenda(until = clock.monotonic(), of = desks) {
  for (;;) {
    const next = agenda
      .filter(({ at, desk }) => at <= until && of.includes(desk))
      .toSorted((one, other) => one.at - other.at)[0];
    if (next === undefined) return;
    agenda.splice(agenda.indexOf(next), 1);
    await next.run();
  }
}

const rotations = {
  /** Both keys are good for a while. */
  overlap(desk, overlap) {
    const old = desk.key;
    desk.accept(desk.newKey());
    later(below(2 * MINUTE), desk, () => {
      desk.install();
      later(overlap, desk, () => desk.revoke(old));
    });
  },
  /** The old key is refused in the moment in which the new one is in its place. */
  cut(desk) {
    const old = desk.key;
    desk.accept(desk.newKey());
    desk.install();
    desk.revoke(old);
  },
  /** A revoked key without a successor, for a minute or two. */
  gap(desk, gap) {
    desk.keyless = true;
    desk.alarm();
    desk.revoke(desk.key);
    later(gap, desk, async () => {
      desk.accept(desk.newKey());
      desk.install();
      await recover(desk);
      desk.keyless = false;
    });
  },
};

const recoveries = [];
/** A key is there again. A caller refused now is told for how long; after that, in calm, the first call succeeds. */
async function recover(desk) {
  const startedAt = clock.monotonic();
  for (let tries = 0; tries < 3; tries++) {
    const { outcome, error } = await finished(desk.call([0]));
    if (outcome === 'quote') {
      if (desk.calm) recoveries.push(clock.monotonic() - startedAt);
      return;
    }
    if (!desk.calm) return;
    const { retryAfter } = error;
    if (outcome !== 'ERR_GOLDKEY_REJECTED' || tries > 0 || !(retryAfter > 0 && retryAfter <= RECOVERED))
      violations.push(`${desk.name}: after a new key, ${outcome}, retryAfter ${String(retryAfter)}`);
    await pass(retryAfter ?? RECOVERED);
  }
}

/** A call, to its end. */
async function finished(call) {
  const ended = [];
  void call.then((answer) => ended.push(answer));
  await settle();
  for (let tries = 0; ended.length === 0 && tries < 100; tries++) await pass(500);
  return ended[0];
}

function callOptions(calm) {
  const options = {};
  if (chance(0.15)) options.once = true;
  // In calm only what waits for evict() takes any time: a second.
  if (chance(0.25)) options.timeout = calm ? 2_000 + below(8_000) : 1 + below(8_000);
  return options;
}

/** A caller who leaves: at once, while the answer is on its way, or some seconds later. */
async function leave(controller) {
  const reason = new Error('the caller left');
  if (chance(0.5)) {
    for (let turns = below(6); turns > 0; turns--) await turn();
    controller.abort(reason);
  } else clock.setTimeout(() => controller.abort(reason), below(6_000));
}

function startCalls(desk, calm) {
  const crowd = chance(0.003) ? CROWD : chance(0.1) ? 4 + below(8) : 1 + below(4);
  for (let count = 0; count < crowd; count++) {
    const options = callOptions(calm);
    const indexes = chance(0.25) ? [below(6), below(6), below(6)] : [below(6)];
    if (chance(0.06)) {
      const controller = new AbortController();
      void leave(controller);
      options.signal = controller.signal;
    }
    void desk.call(indexes, options);
  }
}

/** Somebody who drops the key again and again, while everybody calls. */
async function evictOften(desk, calm) {
  for (let times = 2 + below(4); times > 0; times--) {
    void desk.order('evict');
    startCalls(desk, calm);
    await pass(below(600));
  }
}

function moveWall() {
  const by = oneOf([-1_000_000, -90_000, -5_000, -1_001, -900, 900, 5_000, 90_000, 400_000, 2_000_000]);
  if (chance(0.5)) clock.setWall(clock.now() + by);
  else clock.freeze(Math.abs(by));
  for (const desk of desks) desk.ledger.step();
}

/** Ends every fault, and waits until what they have left behind has lapsed. */
async function calmDown(desk) {
  await runAgenda(Infinity, [desk]);
  desk.healKms();
  // One clean answer says that no fault is waiting: the fake shows them to whoever comes next.
  for (let tries = 0; tries < 60; tries++) {
    const { outcome } = await finished(desk.call([0], { once: true, timeout: 2_000 }));
    if (outcome === 'quote') break;
    await pass(1_000);
  }
  desk.priceFaults.clear();
  await pass(RECOVERED);
  desk.calm = true;
}

const calmHours = [];
/** How often KMS was asked in a calm hour, where nothing but time, callers and new keys can be the reason. */
function calmRequests({ ledger }, from) {
  const to = clock.monotonic() + 1;
  calmHours.push({ requests: ledger.requests.between(from, to), allowed: ledger.allowed(from, to) });
}

async function hourOf(hour) {
  const calm = isCalm(hour);
  const until = (hour + 1) * HOUR;
  for (const desk of desks) {
    if (calm) await calmDown(desk);
    desk.calm = calm;
    const kinds = calm ? ['overlap', 'cut', 'gap'] : chance(0.5) ? [oneOf(['overlap', 'cut', 'gap'])] : [];
    // Apart from each other, so that each ends in its own hour.
    for (const [index, kind] of kinds.entries()) {
      later((5 + 17 * index) * MINUTE + below(5 * MINUTE), desk, () => {
        desk.rotations++;
        rotations[kind](desk, kind === 'overlap' ? below(8 * MINUTE) : MINUTE + below(MINUTE));
      });
    }
  }
  const from = clock.monotonic();
  while (clock.monotonic() < until) {
    await runAgenda();
    const alarmed = desks.find((desk) => desk.alarmed);
    const desk = alarmed ?? oneOf(desks);
    if (!calm) goWrong.get(desk)(desk);
    if (chance(0.004)) moveWall();
    if (chance(0.004)) void desk.order('evict');
    if (chance(0.002)) await evictOften(desk, calm);
    if (chance(0.004)) void desk.order('reload');
    startCalls(desk, calm);
    if (alarmed) await pass(below(2_000));
    else await pass(chance(0.03) ? MINUTE + below(9 * MINUTE) / APIS.length : below(2 * PAUSE));
  }
  if (calm) for (const desk of desks) calmRequests(desk, from);
}

function heapUsed() {
  for (let round = 0; round < 4; round++) globalThis.gc();
  return process.memoryUsage().heapUsed;
}

/** What holds the process, beside its standard streams. */
const ownResources = () => process.getActiveResourcesInfo().filter((name) => !/^(?:Pipe|TTY|FSReq)/.test(name));

/** Ends what is in flight, and takes stock. */
async function stock(hour) {
  await pass(11_000);
  await settle();
  const resources = ownResources();
  const sockets = resources.filter((name) => name === 'TCPSocketWrap').length;
  const running = desks.reduce((sum, desk) => sum + desk.inFlight, 0);
  if (running > 0) violations.push(`${String(running)} calls never ended, in hour ${String(hour + 1)}`);
  return {
    heap: heapUsed(),
    sockets,
    others: resources.length - sockets,
    timers: clock.waiting,
    calls: desks.reduce((sum, desk) => sum + desk.calls, 0),
    requests: desks.reduce((sum, desk) => sum + desk.ledger.requests.count, 0),
  };
}

// At first a crowd: the pool of connections is as large as it will be.
for (const desk of desks) for (let count = 0; count < CROWD; count++) void desk.call([count]);
await pass(1_000);
const hours = [];
for (let hour = 0; hour < HOURS; hour++) {
  await hourOf(hour);
  hours.push(await stock(hour));
}
await runAgenda(Infinity);
await pass(MINUTE);
for (const desk of desks) {
  // close() lets what runs come to its end.
  for (let count = 0; count < 3; count++) void desk.call([count]);
  await desk.close();
}
// Sockets take some turns to close.
for (let turns = 0; turns < 100; turns++) await turn();

const report = {
  seed,
  hours,
  calmHours,
  recoveries,
  apis: desks.map((desk) => ({
    name: desk.name,
    calls: desk.calls,
    outcomes: desk.outcomes,
    events: desk.events,
    rotations: desk.rotations,
    priceFaults: desk.priceFaults.shown,
    kmsFaults: desk.kmsFaults.shown,
    most: desk.most,
    loads: desk.ledger.loads,
    causes: desk.ledger.causes,
    requests: desk.ledger.requests.count,
    failedRequests: desk.ledger.failedRequests,
    allowed: desk.ledger.allowed(0, clock.monotonic() + 1),
    worst: Object.fromEntries(
      [10_000, MINUTE, 5 * MINUTE, HOUR].map((window) => [String(window / 1000), desk.ledger.worst(window)]),
    ),
  })),
  left: ownResources(),
};
for (const desk of desks) violations.push(...desk.violations, ...desk.ledger.violations.slice(0, 20));
process.stdout.write(`${JSON.stringify({ ...report, violations })}\n`);
