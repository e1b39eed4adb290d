import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { channel } from 'node:diagnostics_channel';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { fileRing, type KeyUse, type RingStore } from '../../../src/rotation/index.js';
import { PriceDesk } from '../../core/helpers.js';
import { failure } from '../../providers/loading.js';
import { host, nextLife, settle, type Host } from '../fleet.js';
import { DAY, HOUR, NAME, ringScene, START, type RingScene } from '../scene.js';

const [FIRST, SECOND] = ['sk-invented/first-0123456789', 'sk-invented/second-0123456789'] as const;
const MINUTE = 60_000;

/** A ring whose key was just replaced; the overlap of the old one is an hour. */
async function promoted(): Promise<RingScene> {
  const scene = await ringScene();
  const manager = scene.manager();
  await manager.init(FIRST);
  await manager.stage(SECOND);
  await manager.promote({ overlap: HOUR });
  return scene;
}

/** A client that reports, as the instance `name`. */
function reportingHost(scene: RingScene, name: string, more: { pinnedVersion?: string; ring?: RingStore } = {}): Host {
  const desk = new PriceDesk(FIRST, SECOND);
  return host(scene, desk, { reportUse: true, ...more }, { instanceId: name });
}
const reports = async ({ store }: RingScene): Promise<readonly KeyUse[]> => (await store.readUse?.()) ?? [];
/** Reports are written while nobody waits for them. */
const reported = (scene: RingScene, ...uses: object[]): Promise<void> =>
  vi.waitFor(async () => expect(await reports(scene)).toEqual(uses.map((use) => expect.objectContaining(use))), {
    timeout: 5_000,
    interval: 5,
  });

describe('a client that reports its use', () => {
  it('writes which version last worked for it, at most once a minute however many calls there are', async () => {
    const scene = await promoted();
    const written = vi.fn<(use: KeyUse) => void>();
    let writing: Promise<void> | undefined;
    const ring: RingStore = {
      ...scene.store,
      reportUse(use) {
        written(use);
        return (writing = scene.store.reportUse?.(use) ?? Promise.resolve());
      },
    };
    const { calls } = reportingHost(scene, 'host-1', { ring });

    for (let second = 0; second < 240; second++) {
      await calls(3);
      // A minute of this clock passes faster than a file is written, and the last write must be the last to end.
      await writing;
      await scene.clock.advance(970);
    }

    expect(written.mock.calls.length).toBe(4);
    expect(written.mock.calls[0]?.[0]).toEqual({ instance: 'host-1', version: 'v2', at: START });
    const times = written.mock.calls.map(([{ at }]) => at);
    for (const [index, at] of times.slice(1).entries())
      expect(at - (times[index] as number)).toBeGreaterThanOrEqual(MINUTE);
    await reported(scene, { instance: 'host-1', version: 'v2', at: times.at(-1) });
  });

  it('reports a call that worked, not one that failed, and none while nobody calls', async () => {
    const scene = await promoted();
    const desk = new PriceDesk();
    const { gold, calls } = host(scene, desk, { reportUse: true }, { instanceId: 'host-1' });

    await calls(3);
    await settle(scene, 10 * MINUTE);
    expect(await reports(scene)).toEqual([]);
    desk.rotateTo(SECOND);
    gold.evict();
    await settle(scene, MINUTE);
    await calls(1);

    await reported(scene, { instance: 'host-1', version: 'v2' });
  });

  it('is named by host and process without an `instanceId`, and only writes with the option', async () => {
    const scene = await promoted();
    const desk = new PriceDesk(FIRST, SECOND);
    await host(scene, desk).calls(1);
    expect(await readdir(scene.folder)).not.toContain('gold.ring.json.use');

    await host(scene, desk, { reportUse: true }).calls(1);

    await reported(scene, {
      instance: expect.stringMatching(new RegExp(`^.+:${String(process.pid)}:[\\da-f]{8}$`)),
      version: 'v2',
    });
    const texts = (await readdir(`${scene.path}.use`)).map((name) => readFile(join(`${scene.path}.use`, name), 'utf8'));
    for (const text of await Promise.all(texts)) for (const key of [FIRST, SECOND]) expect(text).not.toContain(key);
  });

  it('whose report fails goes on, and the failure is told without the key', async () => {
    const scene = await promoted();
    const told = vi.fn();
    channel('goldkey:use-report-failed').subscribe(told);
    onTestFinished(() => void channel('goldkey:use-report-failed').unsubscribe(told));
    const error = new Error('no space');
    const ring: RingStore = { ...scene.store, reportUse: () => Promise.reject(error) };

    expect(await reportingHost(scene, 'host-1', { ring }).calls(2)).toEqual(['v2', 'v2']);

    await vi.waitFor(() => expect(told).toHaveBeenCalledTimes(1));
    expect(told.mock.calls[0]?.[0]).toEqual({ ring: NAME, error });
  });
});

describe('a key that is to be retired', () => {
  it('stays while an instance is stuck on it, which the refusal and the status name; then it goes', async () => {
    const scene = await promoted();
    const manager = scene.manager();
    const stuck = reportingHost(scene, 'stuck-host', { pinnedVersion: 'v1' });
    const moved = reportingHost(scene, 'moved-host');
    await scene.clock.advance(HOUR);
    await stuck.calls(1);
    await moved.calls(1);
    await vi.waitFor(async () => expect(await reports(scene)).toHaveLength(2), { timeout: 5_000, interval: 5 });

    const refused = await failure(manager.retire());
    const status = await manager.status();
    const waited = await manager.rotate();

    expect(refused).toMatchObject({
      code: 'ERR_GOLDKEY_ROTATION',
      version: 'v1',
      message: expect.stringMatching(
        /^`retire` was refused: stuck-host used v1 as late as 2026-11-22T13:00:00.*`force`\.$/,
      ),
    });
    expect(status.versions).toEqual([
      expect.objectContaining({ version: 'v1', instances: 1, lastUsedAt: START + HOUR }),
      expect.objectContaining({ version: 'v2', instances: 1 }),
    ]);
    expect(waited.nextStep).toMatch(/^wait: stuck-host used v1 as late as/);
    expect(waited.previous).toBe('v1');

    await settle(scene, 10 * MINUTE);
    await manager.rotate();
    expect((await manager.status()).versions[0]).toMatchObject({ version: 'v1', state: 'retired' });
  });

  it('goes at once with `force`, and by `quiet` earlier or later', async () => {
    const scene = await promoted();
    const manager = scene.manager();
    await scene.store.reportUse?.({ instance: 'host-1', version: 'v1', at: START + HOUR - 2 * MINUTE });
    await scene.clock.advance(HOUR);

    await expect(manager.retire({ quiet: 3 * MINUTE })).rejects.toThrow(/host-1 used v1/);
    await expect(manager.retire({ quiet: -1 })).rejects.toThrow(RangeError);
    await manager.retire({ quiet: MINUTE });

    const second = await promoted();
    await second.store.reportUse?.({ instance: 'host-1', version: 'v1', at: START });
    await second.manager().retire({ force: true });
    expect((await second.manager().status()).previous).toBeUndefined();
  });

  it('is not held by a report that is older than a day, of another version, or damaged', async () => {
    const scene = await promoted();
    const manager = scene.manager();
    await scene.store.reportUse?.({ instance: 'gone', version: 'v1', at: START - DAY });
    await scene.store.reportUse?.({ instance: 'other', version: 'v2', at: START + HOUR });
    await writeFile(join(`${scene.path}.use`, `${'0'.repeat(32)}.json`), '{"instance":');
    await writeFile(join(`${scene.path}.use`, 'notes.txt'), 'not ours');
    await scene.clock.advance(HOUR);

    await manager.retire({ quiet: 2 * DAY });

    expect((await manager.status()).versions).toEqual([
      expect.objectContaining({ version: 'v1', state: 'retired', instances: 0 }),
      expect.objectContaining({ version: 'v2', instances: 1, lastUsedAt: START + HOUR }),
    ]);
  });

  it('names how many others use it too', async () => {
    const scene = await promoted();
    for (const [index, name] of ['a', 'b', 'c'].entries())
      await scene.store.reportUse?.({ instance: name, version: 'v1', at: START + HOUR - index });
    await scene.clock.advance(HOUR);

    await expect(scene.manager().retire()).rejects.toThrow(/: a and 2 other instances used v1 as late as/);
  });

  it('is not retired where the reports cannot be read, without `force`', async () => {
    const scene = await promoted();
    const ring: RingStore = { ...fileRing(scene.path), readUse: () => Promise.reject(new Error('not there')) };
    await scene.clock.advance(HOUR);

    await expect(scene.manager({ ring }).retire()).rejects.toThrow(/not there/);
    await nextLife(scene);
    expect((await scene.manager().status()).previous).toBe('v1');
  });

  it.skipIf(process.getuid?.() === 0)(
    'is told as a matter of permission by a folder that may not be written',
    async () => {
      const scene = await promoted();
      await chmod(scene.folder, 0o500);
      onTestFinished(() => chmod(scene.folder, 0o700));

      expect(
        await failure(scene.store.reportUse?.({ instance: 'a', version: 'v1', at: START }) as Promise<void>),
      ).toMatchObject({
        code: 'ERR_GOLDKEY_ACCESS_DENIED',
      });
    },
  );
});
