// Rotations under six processes, over a ring in Redis, in a file and in DynamoDB: whoever calls or rotates is killed at random,
// the ring is lost, the disk is full, and the clocks are ten minutes apart.
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fromTypeScript } from '../../servers/from-typescript.mjs';
import { grouped } from '../lib/claims.mjs';
import { diceOf } from '../lib/dice.mjs';
import { openFleetScene } from '../lib/fleet-scene.mjs';
import { keysOf } from '../lib/keys.mjs';
import { Program } from '../lib/program.mjs';

const servers = (name) => fromTypeScript(new URL(`../../servers/${name}.ts`, import.meta.url));
const [{ startMoto }, { askRedis, startRedis }, { mountTmpfs }] = await Promise.all(
  ['moto', 'redis', 'tmpfs'].map(servers),
);
const PROCESSES = 6;
/** Calls a second of each process. */
const RATE = 40;
/** In ms; the first key may take long while six processes start. Keys that live for two seconds hear of every step in time, where the store sends no notices. */
const TIMING = { ttl: 2_000, refreshAhead: 500, staleIfError: 120_000, keyTimeout: 20_000 };
/** A promoted key is in use everywhere within its life and a second for each of two loads, of which one may have been under way. */
const SETTLED = TIMING.ttl + 2_000;
/** The clocks of the processes are as far apart as this, in ms, */
const CLOCKS = 600_000;
/** and those of who rotates so far: by more than five minutes a step is refused, as one of two clocks must be wrong. */
const MANAGER_CLOCKS = 240_000;
/** So often is a step begun that is killed; then it may end. */
const KILLS = 2;
const GIVE_UP = 30_000;

/** A kind of ring: where it is, and how it is lost. `fill` and `free` are of a disk. */
const KINDS = {
  async redis() {
    const server = await startRedis();
    const lose = () => askRedis(server.port, 'FLUSHALL');
    return { place: server.url, lose, close: () => server[Symbol.asyncDispose]() };
  },
  async file() {
    const disk = await mountTmpfs();
    const place = join(disk.path, 'fleet.ring.json');
    const filler = join(disk.path, 'filler');
    return {
      place,
      lose: () => rm(place),
      fill: () => writeFile(filler, Buffer.alloc(4 * 1_048_576)).catch(() => undefined),
      free: () => rm(filler),
      close: () => disk[Symbol.asyncDispose](),
    };
  },
  async dynamodb() {
    const server = await startMoto();
    await server.createRingTable('goldkey');
    const lose = () =>
      server.python("client('dynamodb').delete_item(TableName='goldkey', Key={'name': {'S': 'fleet'}})");
    return { place: server.url, lose, close: () => server[Symbol.asyncDispose]() };
  },
};

/** A fleet over one ring, and whoever rotates its keys. */
class Fleet {
  calls = 0;
  killed = 0;
  killedSteps = 0;
  failures = [];
  broken = [];
  settledAfter = [];
  #processes = [];
  #programs = new Set();
  #options;
  #dice;
  #manager;

  constructor(options, dice, manager) {
    this.#options = options;
    this.#dice = dice;
    this.#manager = manager;
  }

  /** How far the clock of the next process is off: those of clients by more than a step of a rotation allows. */
  #off = (apart) => this.#dice.oneOf([-apart / 2, 0, apart / 2]);

  async start() {
    await Promise.all(Array.from({ length: PROCESSES }, (_none, index) => this.#startProcess(index)));
  }

  async #startProcess(index) {
    const instance = { instanceId: `host-${String(index)}`, off: this.#off(CLOCKS), rate: RATE, timing: TIMING };
    const program = new Program('fleet-client.mjs', [JSON.stringify({ ...this.#options, ...instance })]);
    this.#programs.add(program);
    await program.line('ready');
    this.#processes[index] = program;
  }

  /** Kills one of the processes, and starts it anew. */
  async killOne() {
    const index = this.#dice.below(PROCESSES);
    const program = this.#processes[index];
    await program.kill();
    this.#count(program);
    this.killed++;
    await this.#startProcess(index);
  }

  #count(program) {
    this.#programs.delete(program);
    this.calls += program.lines.findLast(({ calls }) => calls !== undefined)?.calls ?? 0;
    for (const { failed, at } of program.lines)
      if (failed !== undefined) this.failures.push(`${failed} at ${String(at)}`);
  }

  /**
   * Runs a step in a process that is killed at some moment, and then again until `isDone` says that the ring has it. After
   * each kill the ring can be read, and is what it was before the step or after it.
   */
  async step(step, given, isDone) {
    const order = JSON.stringify({ ...this.#options, off: this.#off(MANAGER_CLOCKS), step, ...given });
    for (let kills = 0; kills < KILLS; kills++) {
      const program = new Program('fleet-manager.mjs', [order]);
      await Promise.race([sleep(60 + this.#dice.below(400)), program.ended()]);
      await program.kill();
      this.killedSteps++;
      try {
        if (isDone(await this.#manager.status())) return;
      } catch (error) {
        if (step !== 'init') this.broken.push(`after a killed ${step}: ${String(error)}`);
      }
    }
    const program = new Program('fleet-manager.mjs', [order]);
    const { ended, message } = await program.line('ended');
    if (!isDone(await this.#manager.status()))
      this.broken.push(`${step} ended with ${String(ended)}: ${String(message)}`);
  }

  /** Runs a step once, and returns how it ended. */
  async tryStep(step, given) {
    const program = new Program('fleet-manager.mjs', [JSON.stringify({ ...this.#options, off: 0, step, ...given })]);
    return (await program.line('ended')).ended;
  }

  /** Waits until every process uses this version, and keeps how long it took. */
  async settle(version) {
    const from = Date.now();
    const isUsed = ({ lines }) => lines.findLast((said) => said.version !== undefined)?.version === version;
    while (!this.#processes.every(isUsed) && Date.now() - from < GIVE_UP) await sleep(20);
    this.settledAfter.push(Date.now() - from);
  }

  /** Ends its calls, so that the processes can be searched: while this process searches, it answers nobody. */
  async finish() {
    for (const program of this.#processes) program.tell('finish');
    await Promise.all(this.#processes.map((program) => program.line('done')));
    for (const program of this.#processes) this.#count(program);
  }

  /** Resolves to the forms of what all keys share that are found in the memory of so many processes. */
  async search(shared, searched) {
    const found = [];
    for (const program of this.#processes.slice(0, searched)) found.push(...(await program.search(shared)));
    return [...new Set(found)];
  }

  close() {
    return Promise.all([...this.#programs, ...this.#processes].map((program) => program?.kill()));
  }
}

async function rotations(kind, { claims, seed, cycles, searched }) {
  const dice = diceOf(seed);
  const store = await KINDS[kind]();
  const scene = await openFleetScene(kind, store.place);
  const { folder, accepted, manager } = scene;
  const fleet = new Fleet(scene.about, dice, manager);
  const { keyOf, shared } = keysOf();
  const keys = [];
  const addKey = async () => {
    keys.push(keyOf(keys.length));
    const keyFile = join(folder, `${String(keys.length)}.key`);
    await writeFile(keyFile, keys.at(-1), { mode: 0o600 });
    return { key: keys.at(-1), keyFile };
  };
  const fullDisks = [];
  try {
    let current = await addKey();
    accepted.add(current.key);
    await fleet.step('init', { keyFile: current.keyFile }, (status) => status.current !== undefined);
    await fleet.start();
    await sleep(1_000);
    for (let cycle = 0; cycle < cycles; cycle++) {
      // A key that the price API refuses: the canary's clients go back to the old one.
      const bad = await addKey();
      await fleet.step('stage', { keyFile: bad.keyFile }, (status) => status.pending !== undefined);
      await fleet.step('canary', { argument: 50 }, (status) => status.percent === 50);
      await sleep(1_500);
      await fleet.step('revert', {}, (status) => status.pending === undefined);

      const next = await addKey();
      accepted.add(next.key);
      await fleet.step('stage', { keyFile: next.keyFile }, (status) => status.pending !== undefined);
      await fleet.killOne();
      if (store.fill) {
        await store.fill();
        fullDisks.push(await fleet.tryStep('canary', { argument: 25 }));
        await sleep(TIMING.ttl);
        await store.free();
      }
      await fleet.step('canary', { argument: 25 }, (status) => status.percent === 25);
      await sleep(1_500);
      const { pending } = await manager.status();
      await fleet.step('promote', { options: { overlap: 60_000 } }, (status) => status.current === pending);
      await fleet.settle(pending);
      await fleet.killOne();
      await fleet.step('retire', { options: { force: true } }, (status) => status.previous === undefined);
      accepted.delete(current.key);
      current = next;
      await sleep(500);

      await store.lose();
      await sleep(1.5 * TIMING.ttl);
      await fleet.step('init', { keyFile: current.keyFile }, (status) => status.current !== undefined);
      await sleep(1_500);
    }
    await fleet.finish();
    claims.atLeast(
      `${kind}: calls by ${String(PROCESSES)} processes, over ${grouped(keys.length)} keys`,
      fleet.calls,
      cycles * PROCESSES * RATE * 10,
    );
    claims.none(`${kind}: calls that failed`, fleet.failures);
    claims.none(`${kind}: steps that left the ring unreadable, or were not resumed`, fleet.broken);
    claims.atLeast(`${kind}: steps that were killed in their middle`, fleet.killedSteps, cycles * KILLS);
    claims.atLeast(`${kind}: processes that were killed`, fleet.killed, 2 * cycles);
    claims.atMost(
      `${kind}: from a promotion until every process uses the key, in ms`,
      Math.max(...fleet.settledAfter),
      SETTLED,
    );
    if (store.fill)
      claims.add(
        `${kind}: a step on a full disk says so, and changes nothing`,
        fullDisks.join(', '),
        fullDisks.every((ended) => ended.startsWith('ERR_GOLDKEY')),
      );
    await claims.nothingFound(
      `d: ${kind}: forms of a key in the memory of ${String(searched)} of the processes after close()`,
      () => fleet.search(shared, searched),
    );
  } finally {
    await fleet.close();
    await scene.close();
    await store.close();
  }
}

/** @param wish - `claims`; `seed`; `cycles`: through how many rotations each kind of ring goes; `searched`: of how many processes memory is searched */
export async function fleets({ claims, seed, cycles, searched = PROCESSES }) {
  for (const kind of Object.keys(KINDS)) await rotations(kind, { claims, seed, cycles, searched });
}
