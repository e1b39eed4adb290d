import { fork } from 'node:child_process';
import { devNull } from 'node:os';
import { fileURLToPath } from 'node:url';
import { profiling } from './profile.mjs';

const worker = fileURLToPath(new URL('../worker.mjs', import.meta.url));

/** Nothing of the shell that started the benchmark may tilt it: flags, compile caches, AWS settings. */
export function cleanEnvironment() {
  const environment = {
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  for (const name of ['PATH', 'HOME', 'LANG', 'TMPDIR', 'SystemRoot', 'TEMP']) {
    if (process.env[name] !== undefined) environment[name] = process.env[name];
  }
  return environment;
}

/** A process of its own that holds one contestant, ready and warm, and measures a slice each time it is asked. */
export class Contestant {
  #child;
  #stderr = '';
  #waiting;

  constructor(node, { measure, contestant, params = {}, execArgv = [] }) {
    this.#child = fork(worker, [measure, contestant, JSON.stringify(params)], {
      execPath: node,
      execArgv,
      env: cleanEnvironment(),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#stderr = (this.#stderr + text).slice(-4000);
    });
    this.#child.on('message', (message) => this.#waiting?.resolve(message));
    this.#child.on('error', (error) => this.#waiting?.reject(error));
    this.#child.on('exit', (code, signal) => {
      this.#waiting?.reject(
        new Error(`${contestant} ended in ${measure} with ${signal ?? `exit code ${code}`}:\n${this.#stderr}`),
      );
    });
  }

  ready() {
    return this.#next();
  }

  slice() {
    this.#child.send('slice');
    return this.#next();
  }

  stop() {
    this.#waiting = undefined;
    return new Promise((resolve) => {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) resolve();
      else this.#child.once('exit', () => resolve()).disconnect();
    });
  }

  #next() {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }
}

/** A stride that visits all of `count` once, and differs from round to round, so that nobody has a fixed neighbour. */
function step(round, count) {
  const coprime = [];
  for (let stride = 1; stride < Math.max(2, count); stride++) if (gcd(stride, count) === 1) coprime.push(stride);
  return coprime[round % coprime.length];
}

function gcd(a, b) {
  return b === 0 ? a : gcd(b, a % b);
}

/**
 * Interleaved timing. Every contestant sits in its own process; only one of them works at any moment, and a round is one
 * slice of each, every round in another order. Slices are so short that a busy machine rarely takes the processor away
 * in the middle of one. Several generations of processes, because no two runs are compiled quite alike.
 *
 * @returns for each contestant, by name, the slices of each of its processes
 */
export async function duel(bench, { measure, contestants, rounds, generations = 1, execArgv = [] }) {
  const slices = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
  for (let generation = 0; generation < generations; generation++) {
    const running = [];
    try {
      for (const [name, { file = name, params }] of Object.entries(contestants)) {
        const flags = [...execArgv, ...(name.startsWith('goldkey') ? profiling(bench.profiles) : [])];
        const process = new Contestant(bench.node, { measure, contestant: file, params, execArgv: flags });
        running.push({ name, process });
        slices[name].push([]);
        await process.ready();
      }
      for (let round = 0; round < rounds; round++) {
        for (let turn = 0; turn < running.length; turn++) {
          const { name, process } = running[(turn * step(round, running.length) + round) % running.length];
          slices[name][generation].push(await process.slice());
        }
      }
    } finally {
      await Promise.all(running.map(({ process }) => process.stop()));
    }
  }
  return slices;
}

/** Scenarios that are counted, not timed: every contestant runs its own at the same time, once all are ready. */
export async function sideBySide(bench, { measure, contestants, execArgv }) {
  const running = Object.entries(contestants).map(([name, { file = name, params }]) => ({
    name,
    process: new Contestant(bench.node, { measure, contestant: file, params, execArgv }),
  }));
  try {
    await Promise.all(running.map(({ process }) => process.ready()));
    const counts = await Promise.all(running.map(({ process }) => process.slice()));
    return Object.fromEntries(running.map(({ name }, index) => [name, counts[index]]));
  } finally {
    await Promise.all(running.map(({ process }) => process.stop()));
  }
}
