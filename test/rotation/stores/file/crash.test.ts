import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { GoldDataClient } from '../../../../src/index.js';
import { createMasterKey, localCipher } from '../../../../src/providers/local/index.js';
import { fileRing, fromKeyRing, KeyRotationManager, type KeyRingDocument } from '../../../../src/rotation/index.js';
import type { CrashOrder } from './crash-child.js';
import { bundleChildren, mintedIds, type Children } from './crash-run.js';
import { NEW, OLD } from '../../rings.js';
import { CONTEXT, NAME } from '../../scene.js';

let children: Children;
beforeAll(async () => {
  children = await bundleChildren();
});
afterAll(() => children.remove());

/** What a step needs before it can be taken, and what the ring says when it has been. */
const STEPS: Record<string, { before: Array<'init' | 'stage' | 'promote'>; after: string }> = {
  init: { before: [], after: 'v1 current' },
  stage: { before: ['init'], after: 'v1 current, v2 pending' },
  canary: { before: ['init', 'stage'], after: 'v1 current, v2 pending' },
  promote: { before: ['init', 'stage'], after: 'v1 previous, v2 current' },
  retire: { before: ['init', 'stage', 'promote'], after: 'v1 retired, v2 current' },
  revert: { before: ['init', 'stage', 'promote'], after: 'v1 current, v2 previous' },
  'revert of a pending key': { before: ['init', 'stage'], after: 'v1 current, v2 rejected' },
};
const MATRIX = [
  ...Object.keys(STEPS).flatMap((step) => [false, true].map((generate) => ({ step, generate, linkError: '' }))),
  // Without hard links a claim is another file.
  ...['init', 'stage', 'promote'].map((step) => ({ step, generate: true, linkError: 'EPERM' })),
];

/** A folder with a ring on which `step` can be taken. */
async function prepared(
  step: string,
  generate: boolean,
): Promise<{ folder: string; orderIn: (folder: string) => CrashOrder }> {
  const folder = await mkdtemp(join(tmpdir(), 'goldkey-crash-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const start = join(folder, 'start');
  await mkdir(start);
  await createMasterKey(join(start, 'master.key'));
  const orderIn = (where: string): CrashOrder => ({
    step: step.split(' ')[0] as CrashOrder['step'],
    path: join(where, 'ring.json'),
    masterKeyFile: join(where, 'master.key'),
    mintFile: join(where, 'minted'),
    generate,
    key: step === 'init' ? OLD : NEW,
  });
  const manager = managerOf(orderIn(start));
  for (const earlier of STEPS[step]?.before ?? []) {
    if (earlier === 'promote') await manager.promote();
    else await manager[earlier](earlier === 'init' ? OLD : NEW);
  }
  return { folder, orderIn };
}

function managerOf({ path, masterKeyFile }: CrashOrder): KeyRotationManager {
  return new KeyRotationManager({ ring: fileRing(path), name: NAME, cipher: cipherOf(masterKeyFile) });
}

function cipherOf(masterKeyFile: string): ReturnType<typeof localCipher> {
  return localCipher({ masterKeyFile, encryptionContext: CONTEXT });
}

/** The key that a client which starts now gets. */
async function served({ path, masterKeyFile }: CrashOrder): Promise<string> {
  const gold = new GoldDataClient({
    keyProvider: fromKeyRing({ ring: fileRing(path), name: NAME, cipher: cipherOf(masterKeyFile) }),
    fetchPrice: (_: string, { apiKey }) => Promise.resolve(apiKey),
    retry: false,
  });
  return gold.getPrice().finally(() => gold.close());
}

/** What became of a step that was killed after so many changes. */
interface Round {
  readonly order: CrashOrder;
  readonly killAfter: number;
  readonly found: Record<string, unknown>;
}

async function killedAfter(killAfter: number, order: CrashOrder, linkError: string): Promise<Round> {
  const first = await children.run(order, killAfter, linkError);
  // Before `init` has written anything there is no key to have.
  const during = await served(order).catch((error: unknown) => String((error as { code?: unknown }).code));
  const again = await children.run(order, 0, linkError);
  const { versions } = await managerOf(order).status();
  const noKeyYet = order.step === 'init' && during === 'ERR_GOLDKEY_NOT_FOUND';
  const found = {
    killAfter,
    killed: first.killed,
    usable: noKeyYet || during.includes('-key-') ? 'yes' : during,
    again: again.code === 0 ? 'done' : again.output,
    states: versions.map(({ version, state }) => `${version} ${state}`).join(', '),
    ids: new Set(await mintedIds(order.mintFile)).size,
  };
  return { order, killAfter, found };
}

describe('a process that is killed', () => {
  it.each(MATRIX)(
    'after any change it makes in `$step` (generate: $generate, links: $linkError) leaves a usable key, and the next run finishes',
    { timeout: 60_000 },
    async ({ step, generate, linkError }) => {
      const { folder, orderIn } = await prepared(step, generate);
      const copy = async (name: string): Promise<CrashOrder> => {
        await cp(join(folder, 'start'), join(folder, name), { recursive: true });
        return orderIn(join(folder, name));
      };
      const whole = await children.run(await copy('round-0'), 0, linkError);
      expect(whole.code, whole.output).toBe(0);

      const left = Array.from({ length: whole.operations }, (_, index) => index + 1);
      const rounds: Round[] = [];
      const worker = async (): Promise<void> => {
        for (let killAfter = left.pop(); killAfter !== undefined; killAfter = left.pop()) {
          rounds.push(await killedAfter(killAfter, await copy(`round-${String(killAfter)}`), linkError));
        }
      };
      await Promise.all([worker(), worker(), worker()]);
      rounds.sort((a, b) => a.killAfter - b.killAfter);
      const tidied: string[][] = [];
      for (const { order } of rounds) tidied.push(await leftAfterAWhile(order));

      const ids = generate && (step === 'init' || step === 'stage') ? 1 : 0;
      const states = STEPS[step]?.after;
      expect(rounds.map(({ found }) => found)).toEqual(
        rounds.map(({ killAfter }) => ({ killAfter, killed: true, usable: 'yes', again: 'done', states, ids })),
      );
      expect(new Set(tidied.flat())).toEqual(new Set());
      // Draft opened, written, synchronised and closed, linked, renamed, unlinked: for each write.
      expect(whole.operations).toBeGreaterThanOrEqual(generate && step === 'stage' ? 14 : 7);
    },
  );
});

describe('createMasterKey without hard links', () => {
  it('leaves no file, an empty one or the whole key when it is killed, and the next run finishes', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'goldkey-crash-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const orderFor = (round: number): CrashOrder => ({
      step: 'create-master-key',
      path: join(folder, `${String(round)}.key`),
      masterKeyFile: '',
      mintFile: '',
      generate: false,
    });
    const { operations } = await children.run(orderFor(0), 0, 'ENOSYS');
    const wholeKey = /^[A-Za-z0-9+/]{43}=\n$/;

    const sizes = new Set<number>();
    for (let killAfter = 1; killAfter <= operations; killAfter++) {
      const order = orderFor(killAfter);
      await children.run(order, killAfter, 'ENOSYS');
      const left = await readFile(order.path, 'latin1').catch(() => undefined);
      sizes.add(left?.length ?? -1);
      const again = await children.run(order, 0, 'ENOSYS');
      const isWhole = left !== undefined && wholeKey.test(left);
      expect(again.code, again.output).toBe(isWhole ? 1 : 0);
      const key = await readFile(order.path, 'latin1');
      expect(key).toMatch(wholeKey);
      if (isWhole) expect(key).toBe(left);
    }

    expect(sizes).toEqual(new Set([-1, 0, 45]));
  });
});

/** The drafts and claims that are still there after the next write of a later day. */
async function leftAfterAWhile({ path }: CrashOrder): Promise<string[]> {
  const now = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 120_000);
  try {
    const store = fileRing(path);
    const { ring } = (await store.read()) as { ring: KeyRingDocument };
    await store.write({ ...ring, revision: ring.revision + 1, writeId: 'a later day' }, ring);
  } finally {
    now.mockRestore();
  }
  const names = await readdir(dirname(path));
  return names.filter((name) => !['ring.json', 'master.key', 'minted'].includes(name));
}
