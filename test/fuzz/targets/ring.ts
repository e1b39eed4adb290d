import { isDeepStrictEqual } from 'node:util';
import { computeFingerprint, systemClock, type Clock, type KeyCipher } from '../../../src/core/index.js';
import { fromKeyRing, KeyRotationManager, type KeyRingDocument, type RingStore } from '../../../src/rotation/index.js';
import { checkPlan } from '../../../src/rotation/manager/options.js';
import { nextStep } from '../../../src/rotation/manager/next-step.js';
import { findVersion, parseRing } from '../../../src/rotation/ring/document.js';
import { serializeRing } from '../../../src/rotation/ring/serialize.js';
import { nextVersionName } from '../../../src/rotation/ring/transitions.js';
import { request } from '../../providers/loading.js';
import { check, checkError, findForm, KEY, KEY_WORDS, readText } from '../lib/key.js';
import type { Target } from '../lib/target.js';

const NOW = Date.UTC(2026, 10, 27);
const PLAN = checkPlan('rotate', {});
const clock: Clock = { ...systemClock, now: () => NOW };

/** Opens any ciphertext as the key. */
const cipher: KeyCipher = {
  name: 'local',
  encryptionContext: {},
  accepts: ({ cipher: name }) => name === 'local',
  encrypt: () => Promise.reject(new Error('Nothing is encrypted here.')),
  decrypt: async () => new TextEncoder().encode(KEY),
};

/** Documents of key rings: each is refused with a typed error, or is a ring that all of goldkey can work with. */
export const target: Target = {
  words: [
    ...[...KEY_WORDS, computeFingerprint(KEY), 'goldkey:ring', 'local', 'pending', 'previous', 'retired', 'rejected'],
    ...['v1', 'v01', 'v10', 'V1', '1', 'a.b', 'a-b', 'v999999999', 'v1000000000', '2026-11-27T00:00:00.000Z'],
  ],
  async run(input) {
    const text = readText(input);
    if (hasKeyAsName(text)) return;
    let ring: KeyRingDocument;
    try {
      ring = parseRing(text, 'file');
    } catch (error) {
      checkError(error);
      return;
    }
    checkWritten(ring);
    nextStep(ring, PLAN, NOW, [{ instance: 'one', version: ring.current, at: NOW }]);
    check(findVersion(ring, nextVersionName(ring)) === undefined, 'The name of the next version is taken.');
    await checkLoads(ring);
    await checkSteps(ring);
  },
};

/** Returns whether a version has the key for its name, which errors and logs show: goldkey itself gives the names. */
function hasKeyAsName(text: string): boolean {
  try {
    const { versions } = JSON.parse(text) as KeyRingDocument;
    return Object.keys(versions).some((name) => findForm(name) !== undefined);
  } catch {
    return false;
  }
}

function checkWritten(ring: KeyRingDocument): void {
  let written: string;
  try {
    written = serializeRing(ring, 'file');
  } catch (error) {
    // Spaces and newlines can make it too long.
    checkError(error);
    return;
  }
  const read = parseRing(written, 'file');
  // JSON has no -0, and no number beyond the doubles.
  check(isDeepStrictEqual(read, JSON.parse(JSON.stringify(ring))), 'A ring that is written and read is another one.');
  check(serializeRing(read, 'file') === written, 'A ring that is written twice is two texts.');
  check(serializeRing(reverse(ring), 'file') === written, 'One ring is written as two texts.');
}

/** Returns a copy whose fields stand the other way round. What is in unknown fields keeps its order, as it does when written. */
function reverse(ring: KeyRingDocument): KeyRingDocument {
  const versions = Object.entries(ring.versions).map(([name, { encryptionContext, metadata, ...version }]) => {
    const pairs = { encryptionContext: turn(encryptionContext), ...(metadata && { metadata: turn(metadata) }) };
    return [name, turn({ ...version, ...pairs })];
  });
  const { rollout } = ring;
  return turn({
    ...ring,
    ...(rollout && { rollout: turn(rollout) }),
    versions: turn(Object.fromEntries(versions) as KeyRingDocument['versions']),
  });
}

function turn<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).toReversed()) as T;
}

async function checkLoads(ring: KeyRingDocument): Promise<void> {
  const store = storeOf(ring);
  await attempt(async () => {
    const provider = fromKeyRing({ ring: store, name: ring.name, cipher });
    for (const stage of ['current', 'pending', 'previous'] as const) {
      await attempt(async () => {
        const loaded = await provider.load(request(undefined, { stage }));
        if (loaded === undefined) check(stage !== 'current', 'A ring without a current key.');
        else check('bytes' in loaded && Buffer.from(loaded.bytes).toString() === KEY, 'Another key was loaded.');
      });
    }
    await provider.close?.();
  });
}

/** Takes each step of a rotation on the ring: it is refused, or leaves a ring that readers take. */
async function checkSteps(ring: KeyRingDocument): Promise<void> {
  const steps: ((manager: KeyRotationManager) => Promise<unknown>)[] = [
    (manager) => manager.status(),
    (manager) => manager.canary(50),
    (manager) => manager.promote(),
    (manager) => manager.retire(),
    (manager) => manager.revert(),
    (manager) => manager.rotate(),
  ];
  for (const take of steps) {
    const store = storeOf(ring);
    await attempt(() => take(new KeyRotationManager({ ring: store, name: ring.name, cipher, clock })));
    check(store.problem === undefined, `A step wrote a ring that no reader takes: ${String(store.problem)}`);
  }
}

/** Returns a store that holds the ring, and knows why a ring that was written is none. */
function storeOf(ring: KeyRingDocument): RingStore & { problem: string | undefined } {
  let stored = ring;
  return {
    name: 'file',
    problem: undefined,
    read: async () => ({ ring: stored }),
    async write(next) {
      try {
        serializeRing(next, 'file');
      } catch (error) {
        const { message } = error as Error;
        // The last revision has none after it, and a long ring has no room.
        const isFull = ring.revision >= Number.MAX_SAFE_INTEGER || message.includes('characters');
        if (!isFull) this.problem = message;
        throw error;
      }
      stored = next;
    },
  };
}

async function attempt(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    checkError(error);
  }
}
