// Days of calls on a manual clock: one client, a store and a price API that go wrong by chance. Prints one line of JSON, in
// which `violations` must be empty. Started with --expose-gc; told by its environment: PROOF_SEED, PROOF_CALLS, and PROOF_KEYS
// where it is to be searched for its keys at its end.
import { GoldDataClient, KeyProviderError, isGoldKeyError } from 'goldkey';
import { manualClock } from 'goldkey/testing';
import { awaitSearch } from './lib/await-search.mjs';
import { diceOf, randomOf } from './lib/dice.mjs';
import { keysOf, SECRET } from './lib/keys.mjs';
import { LoadLedger } from './lib/load-ledger.mjs';
import { SecretWatch } from './lib/secret-watch.mjs';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const TTL = 5 * MINUTE;
const STALE = 10 * MINUTE;
/** At most so many calls at a moment, 200 on average, and so many ms between two moments: a week has ten million calls. */
const CROWD = 399;
const PAUSE = 24_000;
/** The longest pause of the gate, of a back-off and of a cooldown, one behind the other: somebody has to call at their ends. */
const RECOVERED = 2 * (30_000 + PAUSE);
/** So often memory is measured. */
const STOCKS = 8;
/** So many failures are looked into for the key; of the others the code is counted. */
const WATCHED = 20_000;

const seed = Number(process.env.PROOF_SEED);
const wanted = Number(process.env.PROOF_CALLS);
const { below, chance, oneOf, deckOf } = diceOf(seed);
// The client's own draws too: a seed is a run.
Math.random = randomOf(seed + 1);

const violations = [];
function violate(what) {
  if (violations.length < 20) violations.push(what);
}
process.on('unhandledRejection', (error) => violate(`unhandled rejection: ${String(error?.stack ?? error)}`));
process.on('warning', (warning) => violate(`warning: ${String(warning)}`));

const clock = manualClock();
const ledger = new LoadLedger(clock);
const watched = new SecretWatch(SECRET);
/** Time in which the process stood still while the wall clock went on. */
let frozen = 0;
const elapsed = () => clock.monotonic() + frozen;
const wait = (ms, signal) =>
  new Promise((resolve, reject) => {
    const timer = clock.setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      timer.cancel();
      reject(signal.reason);
    });
  });

/** What the world is like. A failure is excused until `excusedUntil`, on the clock of `elapsed`. */
const world = { store: 'up', api: 'up', excusedUntil: -Infinity, number: 0 };
const valid = new Set();
/** When and by which load each key came last. */
const loaded = new Map();
const { keyOf } = keysOf(process.env.PROOF_KEYS);
let current;
let loadNumber = 0;
/** Keys that came by this load or an earlier one were evicted. */
let evictedUpTo = 0;
/** What the store has handed over, and copies of a key that calls were given: the client zeroes them. */
let handedOver = [];
let copies = [];

function addKey() {
  const text = `${SECRET}${keyOf(++world.number)}`;
  valid.add(text);
  return { text, version: String(world.number) };
}
current = addKey();

async function answer({ known = [], signal }, { store } = world) {
  if (store === 'slow') await wait(300, signal);
  if (store === 'hanging') await wait(10 * DAY, signal);
  if (store === 'down') throw new KeyProviderError('The store is down.', { retryable: true });
  if (store === 'denied') throw new KeyProviderError('The store denies it.', { retryable: false });
  const { text, version } = current;
  if (known.includes(version)) return { unchanged: true, version };
  // A buffer made of the text would lie in a pool, and stay.
  const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
  handedOver.push(bytes);
  return { bytes, version };
}

const keyProvider = {
  name: 'proof',
  async load(request) {
    if (request.stage !== 'current') return undefined;
    const number = ++loadNumber;
    const ended = ledger.begin();
    ledger.asked(world.store === 'down' || world.store === 'denied');
    let version;
    try {
      const key = await answer(request);
      ({ version } = key);
      loaded.set(version, { number, at: elapsed() });
      return key;
    } finally {
      ended(version);
    }
  },
};

/** An error as HTTP clients make them: with the whole address, and the headers that were sent. */
function failure(status, apiKey) {
  const address = `https://price-api.example/latest?access_key=${apiKey}`;
  const config = { headers: { 'x-access-token': apiKey } };
  return Object.assign(new Error(`GET ${address} was answered with ${String(status)}.`), { status, config });
}

async function fetchPrice(symbol, context) {
  const { apiKey, version, signal } = context;
  if (chance(0.01)) copies.push(context.bytes);
  const { number, at } = loaded.get(version);
  if (elapsed() - at > TTL + STALE) violate(`a key was used ${String(elapsed() - at)} ms after its load`);
  if (number <= evictedUpTo) violate('a key was used after evict()');
  if (chance(0.02)) await wait(20 + below(2_000), signal);
  if (world.api === 'refusing' || !valid.has(apiKey)) {
    ledger.refused();
    throw failure(401, apiKey);
  }
  if (world.api === 'failing' && chance(0.5)) throw failure(503, apiKey);
  return { symbol, version };
}

const client = new GoldDataClient({ keyProvider, clock, ttl: TTL, staleIfError: STALE, fetchPrice });

const counts = { calls: 0, prices: 0, aborted: 0, failed: {}, unexcused: 0, inFlight: 0 };
let searched = 0;

async function call() {
  counts.calls++;
  counts.inFlight++;
  const startedAt = elapsed();
  const controller = chance(0.005) ? new AbortController() : undefined;
  const reason = controller && new Error('the caller left');
  if (controller) clock.setTimeout(() => controller.abort(reason), below(1_500));
  try {
    const price = await client.getPrice('XAU', controller && { signal: controller.signal });
    ledger.served();
    counts.prices++;
    if (price.symbol !== 'XAU' || !loaded.has(price.version)) violate('a price that nobody fetched');
  } catch (error) {
    if (controller && error === reason) counts.aborted++;
    else fail(error, startedAt);
  }
  counts.inFlight--;
}

function fail(error, startedAt) {
  const code = isGoldKeyError(error) ? error.code : `status ${String(error?.status)}`;
  counts.failed[code] = (counts.failed[code] ?? 0) + 1;
  if (searched < WATCHED) {
    searched++;
    if (watched.isIn(error, code)) violate(`the key in an error, ${code}`);
  }
  if (startedAt <= world.excusedUntil || elapsed() <= world.excusedUntil) return;
  counts.unexcused++;
  violate(`lost at ${String(startedAt)} ms without a reason: ${String(error)}`);
}

/** What is to happen at a moment to come. */
const agenda = [];
const later = (ms, run) => agenda.push({ at: clock.monotonic() + ms, run });
function runAgenda() {
  const due = agenda.filter(({ at }) => at <= clock.monotonic());
  for (const item of due) {
    agenda.splice(agenda.indexOf(item), 1);
    item.run();
  }
}
const excuse = () => (world.excusedUntil = Infinity);
const endExcuse = () => (world.excusedUntil = elapsed() + RECOVERED);
const incidents = {};

/** Each ends by itself, before the next one begins. Returns for how long it lasts, in ms. */
const ACTIONS = {
  overlap() {
    const old = current.text;
    current = addKey();
    later(TTL + MINUTE, () => valid.delete(old));
    return TTL + 2 * MINUTE;
  },
  cut() {
    const old = current.text;
    current = addKey();
    valid.delete(old);
    return MINUTE;
  },
  gap() {
    excuse();
    valid.delete(current.text);
    const lasts = MINUTE + below(5 * MINUTE);
    later(lasts, () => {
      current = addKey();
      endExcuse();
    });
    return lasts + 2 * MINUTE;
  },
  outage() {
    world.store = oneOf(['down', 'hanging']);
    const lasts = 10_000 + below(STALE - MINUTE);
    later(lasts, () => (world.store = 'up'));
    return lasts + MINUTE;
  },
  'long outage'() {
    excuse();
    world.store = oneOf(['down', 'hanging']);
    const lasts = STALE + below(4 * STALE);
    later(lasts, () => {
      world.store = 'up';
      endExcuse();
    });
    return lasts + 2 * MINUTE;
  },
  denied() {
    excuse();
    world.store = 'denied';
    const lasts = 10_000 + below(10 * MINUTE);
    later(lasts, () => {
      world.store = 'up';
      endExcuse();
    });
    return lasts + 2 * MINUTE;
  },
  'evicted in an outage'() {
    excuse();
    world.store = 'down';
    evict();
    const lasts = 10_000 + below(MINUTE);
    later(lasts, () => {
      world.store = 'up';
      endExcuse();
    });
    return lasts + 2 * MINUTE;
  },
  slow() {
    world.store = 'slow';
    later(5 * MINUTE, () => (world.store = 'up'));
    return 6 * MINUTE;
  },
  'API failing'() {
    excuse();
    world.api = 'failing';
    later(MINUTE, () => {
      world.api = 'up';
      endExcuse();
    });
    return 2 * MINUTE;
  },
  'API refusing'() {
    excuse();
    world.api = 'refusing';
    later(2 * MINUTE, () => {
      world.api = 'up';
      endExcuse();
    });
    return 4 * MINUTE;
  },
  freeze() {
    const ms = below(15 * MINUTE);
    clock.freeze(ms);
    frozen += ms;
    ledger.step();
    return MINUTE;
  },
  step() {
    clock.setWall(clock.now() + oneOf([-2_000_000, -90_000, -1_001, -900, 900, 90_000, 2_000_000]));
    ledger.step();
    return MINUTE;
  },
  evict() {
    evict();
    return MINUTE;
  },
  reload() {
    ledger.reloaded();
    void client.reload().catch((error) => fail(error, elapsed()));
    return MINUTE;
  },
};
/** In which no call can be expected to succeed: half as often as what nobody is to notice. */
const DISASTERS = new Set(['gap', 'long outage', 'denied', 'evicted in an outage', 'API failing', 'API refusing']);
const nextAction = deckOf(Object.keys(ACTIONS).flatMap((name) => (DISASTERS.has(name) ? [name] : [name, name])));

function evict() {
  evictedUpTo = loadNumber;
  ledger.evicted();
  client.evict();
}

const isZeroed = (bytes) => bytes.every((byte) => byte === 0);

function checkZeroed() {
  if (!handedOver.every(isZeroed)) violate('bytes of the store were not zeroed');
  handedOver = [];
  // A copy is a call's until the call has ended.
  if (counts.inFlight > 0) return;
  if (!copies.every(isZeroed)) violate('the bytes that calls were given were not zeroed');
  copies = [];
}

function measureHeap() {
  for (let round = 0; round < 4; round++) globalThis.gc();
  return process.memoryUsage().heapUsed;
}

const heaps = [];
let quietUntil = 5 * MINUTE;
let nextStock = wanted / STOCKS;
while (counts.calls < wanted) {
  runAgenda();
  if (clock.monotonic() > quietUntil && chance(0.3)) {
    const name = nextAction();
    incidents[name] = (incidents[name] ?? 0) + 1;
    quietUntil = clock.monotonic() + ACTIONS[name]();
  }
  for (let count = Math.min(1 + below(CROWD), wanted - counts.calls); count > 0; count--) void call();
  await clock.advance(below(PAUSE));
  checkZeroed();
  if (counts.calls >= nextStock) {
    nextStock += wanted / STOCKS;
    heaps.push(measureHeap());
  }
}
for (let tries = 0; tries < 20 && (agenda.length > 0 || counts.inFlight > 0); tries++) {
  await clock.advance(30 * MINUTE);
  runAgenda();
}
if (counts.inFlight > 0) {
  violate(`${String(counts.inFlight)} calls never ended`);
  counts.unexcused += counts.inFlight;
}
// Closing has a key to forget.
const last = client.getPrice('XAU').catch((error) => violate(`the last call failed: ${String(error)}`));
await clock.advance(MINUTE);
await last;
if (client.status().state !== 'fresh') violate(`there was no key to forget at the end: ${client.status().state}`);
await client.close();
checkZeroed();

const { loads, causes } = ledger;
const ends = clock.monotonic() + 1;
const requests = { made: ledger.requests.count, allowed: ledger.allowed(0, ends) };
if (requests.made > requests.allowed) violate('the store was asked more often than there was a reason for');
const worst = Object.fromEntries([10_000, MINUTE, 5 * MINUTE].map((window) => [window / 1_000, ledger.worst(window)]));
violations.push(...ledger.violations.slice(0, 20));
const report = { seed, keys: world.number, days: ends / DAY, counts, incidents, loads, causes, requests, worst, heaps };
process.stdout.write(`${JSON.stringify({ ...report, violations })}\n`);
if (process.env.PROOF_KEYS) {
  // What is left of the keys is what goldkey has left.
  valid.clear();
  current = undefined;
  await awaitSearch();
}
