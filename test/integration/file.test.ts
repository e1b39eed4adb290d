import { chmod, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { fromFile } from '../../src/providers/file/index.js';
import { GoldDataClient, type GoldDataClientOptions } from '../../src/index.js';
import { manualClock } from '../../src/testing/index.js';
import { failure, request, text } from '../providers/loading.js';
import { folderFor, inMemory, SecretVolume } from '../providers/secret-files.js';

const isInMemory = await inMemory(tmpdir());
const SWAPS = 1_000;
const READS_PER_SECOND = 200;
const keyOf = (turn: number): string => `sk-invented/${String(turn).padStart(6, '0')}+&=${'x'.repeat(turn % 900)}`;
const ownTurn = (key: string): number => Number(key.slice(12, 18));

/** A price API in memory that honours the keys of the last turns, as one does that knows two live keys. */
class Desk {
  newest = 0;
  refusals = 0;
  readonly torn: string[] = [];

  readonly fetchPrice = async (_: string, { apiKey }: { apiKey: string }): Promise<number> => {
    const turn = ownTurn(apiKey);
    if (apiKey !== keyOf(turn)) this.torn.push(apiKey);
    await Promise.resolve();
    if (turn < this.newest - 1) {
      this.refusals++;
      throw Object.assign(new Error('unauthorized'), { status: 401 });
    }
    return turn;
  };
}

function clientOf(desk: Desk, path: string, options: Partial<GoldDataClientOptions<number>> = {}) {
  const gold = new GoldDataClient<number>({
    keyProvider: fromFile({ path }),
    fetchPrice: desk.fetchPrice,
    retry: false,
    ...options,
  });
  onTestFinished(() => gold.close());
  return gold;
}

describe('a Kubernetes secret', () => {
  it('swapped 1,000 times under 200 reads a second: none is torn, empty or lost', async () => {
    const volume = new SecretVolume(await folderFor());
    await volume.write({ key: keyOf(0) });
    const provider = fromFile({ path: volume.pathOf('key') });
    const run = { isSwapping: true };
    let newest = 0;
    const reads: Array<Promise<unknown>> = [];
    const wrong: string[] = [];

    const read = async (): Promise<void> => {
      const oldest = newest;
      const key = text(await provider.load(request()));
      const turn = ownTurn(key);
      if (key !== keyOf(turn) || turn < oldest) wrong.push(key);
    };
    const swap = async (): Promise<void> => {
      for (let turn = 1; turn <= SWAPS; turn++) {
        await volume.write({ key: keyOf(turn) });
        newest = turn;
        await sleep(2);
      }
      run.isSwapping = false;
    };
    const readAll = async (): Promise<void> => {
      const start = performance.now();
      while (run.isSwapping || reads.length < 2 * READS_PER_SECOND) {
        const due = ((performance.now() - start) / 1_000) * READS_PER_SECOND;
        while (reads.length < due) reads.push(read());
        await sleep(1);
      }
    };
    await Promise.all([swap(), readAll()]);
    const failed = (await Promise.allSettled(reads)).filter(({ status }) => status === 'rejected');

    expect(failed).toEqual([]);
    expect(wrong).toEqual([]);
    expect(reads.length).toBeGreaterThanOrEqual(2 * READS_PER_SECOND);
  });

  it('rotated under load: no call of a client is lost', async () => {
    const volume = new SecretVolume(await folderFor());
    await volume.write({ key: keyOf(0) });
    const desk = new Desk();
    const gold = clientOf(desk, volume.pathOf('key'), { reloadCooldown: 0, ttl: 50, refreshAhead: 20 });
    const calls: Array<Promise<number>> = [];
    for (let turn = 1; turn <= 20; turn++) {
      await volume.write({ key: keyOf(turn) });
      desk.newest = turn;
      for (let call = 0; call < 10; call++) {
        calls.push(gold.getPrice());
        await sleep(5);
      }
    }
    const failed = (await Promise.allSettled(calls)).filter(({ status }) => status === 'rejected');

    expect(failed).toEqual([]);
    expect(desk.torn).toEqual([]);
    expect(await gold.getPrice()).toBeGreaterThanOrEqual(19);
  });

  it('is noticed when it is swapped, long before its key expires', async () => {
    const volume = new SecretVolume(await folderFor());
    await volume.write({ key: keyOf(0) });
    const gold = clientOf(new Desk(), volume.pathOf('key'));
    expect(await gold.getPrice()).toBe(0);
    // The subscription begins with the first load: what changes before it stands is told by the load that follows it.
    await volume.write({ key: keyOf(1) });

    await vi.waitFor(async () => expect(await gold.getPrice()).toBe(1), { timeout: 15_000, interval: 20 });
  });

  it('serves: read, rotated, 401 repaired, gone, back; and stale while its disk fails', async () => {
    const clock = manualClock();
    const volume = new SecretVolume(await folderFor());
    await volume.write({ key: keyOf(0) });
    const desk = new Desk();
    const provider = fromFile({ path: volume.pathOf('key'), watch: false });
    const load = vi.spyOn(provider, 'load');
    const gold = clientOf(desk, '-', { keyProvider: provider, clock, ttlJitter: 0 });

    expect(await gold.getPrice()).toBe(0);
    await volume.write({ key: keyOf(2) });
    desk.newest = 2;
    expect(await gold.getPrice()).toBe(2);
    expect(gold.status().counts).toMatchObject({ rejections: 1, repairs: 1 });

    const broken = Object.assign(new Error('i/o error'), { code: 'EIO' });
    load.mockRejectedValueOnce(broken);
    await clock.advance(300_001);
    expect(await gold.getPrice()).toBe(2);
    expect(gold.status().counts.stale).toBeGreaterThan(0);

    await rename(volume.pathOf('..data'), volume.pathOf('..away'));
    await clock.advance(60_000);
    // After a failed load nobody waits for the next: it is this one that tells of the end.
    expect(await gold.getPrice()).toBe(2);
    await gold.settled();
    expect(await failure(gold.getPrice())).toMatchObject({ code: 'ERR_GOLDKEY_NOT_FOUND', retryable: false });
    expect(gold.status().fingerprint).toBeUndefined();

    await rename(volume.pathOf('..away'), volume.pathOf('..data'));
    await volume.write({ key: keyOf(3) });
    await clock.advance(60_000);
    expect(await gold.getPrice()).toBe(3);
  });
});

describe('a key file on a disk', () => {
  it.skipIf(isInMemory)('whose permissions are withdrawn takes the key away; closed again, it serves', async () => {
    const clock = manualClock();
    const path = join(await folderFor(), 'key');
    await writeFile(path, keyOf(0), { mode: 0o600 });
    const gold = clientOf(new Desk(), '-', { keyProvider: fromFile({ path, watch: false }), clock, ttlJitter: 0 });
    expect(await gold.getPrice()).toBe(0);

    await chmod(path, 0o644);
    await clock.advance(300_001);
    expect(await failure(gold.getPrice())).toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED', retryable: false });
    expect(gold.status().fingerprint).toBeUndefined();

    await chmod(path, 0o600);
    await clock.advance(60_000);
    expect(await gold.getPrice()).toBe(0);
  });
});
