import { describe, expect, it } from 'vitest';
import { KeyProviderError } from '../../../src/index.js';
import { RingConflictError, type KeyRingDocument } from '../../../src/rotation/index.js';
import { recordRejection, retryConflicts, writeRing } from '../../../src/rotation/ring/write-ring.js';
import { failure, memoryRing, NEW, OLD, type MemoryRing } from '../rings.js';
import { NAME, ringScene } from '../scene.js';

const conflict = (): Error => new RingConflictError('Somebody was faster.');

/** A ring in memory with v2 on trial. */
async function trial(): Promise<{ ring: MemoryRing; source: Parameters<typeof recordRejection>[0] }> {
  const scene = await ringScene();
  const ring = memoryRing(conflict);
  const manager = scene.manager({ ring });
  await manager.init(OLD);
  await manager.stage(NEW);
  await manager.canary(10);
  return { ring, source: { store: ring, name: NAME, ciphers: [scene.cipher] } };
}

describe('work that meets other writers', () => {
  const failing = (times: number, error: () => Error): { runs: number; work(): Promise<string> } => {
    const task = {
      runs: 0,
      work: () => (++task.runs > times ? Promise.resolve('written') : Promise.reject(error())),
    };
    return task;
  };

  it.each([
    [0, 'written', 1],
    [4, 'written', 5],
    [5, 'RingConflictError', 5],
  ])('that were faster %d times comes to: %s', async (times, end, runs) => {
    const task = failing(times, conflict);

    expect(await retryConflicts(task.work).catch((error: Error) => error.name)).toBe(end);
    expect(task.runs).toBe(runs);
  });

  it('is not run again for any other failure', async () => {
    const task = failing(1, () => new KeyProviderError('down'));

    expect(await failure(retryConflicts(task.work))).toMatchObject({ message: 'down' });
    expect(task.runs).toBe(1);
  });
});

describe('a write that fails', () => {
  it.each([
    ['cannot be read back', () => Promise.reject(new Error('down'))],
    ['left no ring', () => Promise.resolve(undefined)],
  ])('fails with its own error when it %s', async (_, read) => {
    const { ring, source } = await trial();
    const from = { ring: ring.ring as KeyRingDocument };
    const store = { ...ring, read, write: () => Promise.reject(conflict()) };

    expect(await failure(writeRing({ ...source, store }, from, from.ring, undefined))).toMatchObject({
      code: 'ERR_GOLDKEY_RING_CONFLICT',
    });
  });

  it('has succeeded when only its answer was lost, and has the token of the ring as it is', async () => {
    const { ring, source } = await trial();
    const from = { ring: ring.ring as KeyRingDocument };
    const store: MemoryRing = {
      ...ring,
      read: () => Promise.resolve({ ring: ring.ring as KeyRingDocument, token: 7 }),
      write: async (...args) => {
        await ring.write(...args);
        throw conflict();
      },
    };

    const written = await writeRing({ ...source, store }, from, from.ring, undefined);

    expect(written).toEqual({ ring: ring.ring, token: 7 });
    expect(written.ring.revision).toBe(from.ring.revision + 1);
  });

  it('fails with its own error when another write took its place', async () => {
    const { ring, source } = await trial();
    const from = { ring: ring.ring as KeyRingDocument };
    ring.ring = { ...from.ring, revision: from.ring.revision + 1, writeId: 'another' };

    expect(await failure(writeRing(source, from, from.ring, undefined))).toMatchObject({
      code: 'ERR_GOLDKEY_RING_CONFLICT',
    });
  });

  it('is given up with the signal of its caller', async () => {
    const { ring, source } = await trial();
    const { signal } = new AbortController();
    const given: unknown[] = [];
    const store = { ...ring, write: async (...args: unknown[]) => void given.push(args[2]) };
    const from = { ring: ring.ring as KeyRingDocument };

    await writeRing({ ...source, store }, from, from.ring, signal);

    expect(given).toEqual([{ signal }]);
  });
});

describe('a refusal that a client records', () => {
  it('is tried again while others write', async () => {
    const { ring, source } = await trial();
    let left = 3;
    const store: MemoryRing = {
      ...ring,
      write: (...args) => (left-- > 0 ? Promise.reject(conflict()) : ring.write(...args)),
      read: (...args) => ring.read(...args),
    };

    await recordRejection({ ...source, store }, 'v2', ring.ring?.rollout?.id);

    expect(left).toBe(-1);
    expect(ring.ring?.rollout).toHaveProperty('revertedAt');
  });

  it('changes nothing where another canary has started since, or another client was first', async () => {
    const { ring, source } = await trial();
    const { rollout } = ring.ring as KeyRingDocument;
    const write = ring.writes;

    await recordRejection(source, 'v2', 'the canary before');
    expect(ring.writes).toBe(write);
    await recordRejection(source, 'v2', rollout?.id);
    const first = ring.ring;
    await recordRejection(source, 'v2', rollout?.id);

    expect(ring.writes).toBe(write + 1);
    expect(ring.ring).toEqual(first);
  });

  it('changes nothing where there is no ring, no canary, or one of another version', async () => {
    const { ring, source } = await trial();
    const before = ring.ring as KeyRingDocument;
    const { rollout, ...without } = before;
    const write = ring.writes;

    await recordRejection(source, 'v1', rollout?.id);
    expect(ring.ring).toEqual(before);
    ring.ring = { ...without, versions: { v1: before.versions['v1'] as (typeof before.versions)[string] } };
    await recordRejection(source, 'v2', undefined);
    ring.ring = undefined;
    await recordRejection(source, 'v2', rollout?.id);

    expect(ring.writes).toBe(write);
  });
});
