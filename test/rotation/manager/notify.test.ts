import { channel } from 'node:diagnostics_channel';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { NotifyFailure, RingChange } from '../../../src/rotation/index.js';
import { failure, NEW, OLD, onClock, statesOf } from '../rings.js';
import { heardOn, ringScene, START } from '../scene.js';

/** Hears what `goldkey:notify-failed` tells, until the test has ended. */
const failuresHeard = (): NotifyFailure[] => heardOn('goldkey:notify-failed');

describe('the hooks of a manager', () => {
  it('are told after each write, and again by a step that finds itself done', async () => {
    const scene = await ringScene();
    const told: RingChange[] = [];
    const manager = scene.manager({ notify: [(change) => Promise.resolve(void told.push(change))] });

    for (let run = 1; run <= 2; run++) await manager.init(OLD);
    for (let run = 1; run <= 2; run++) await manager.stage(NEW);
    for (let run = 1; run <= 2; run++) await manager.canary(10);
    for (let run = 1; run <= 2; run++) await manager.promote();
    for (let run = 1; run <= 2; run++) await manager.revert();
    for (let run = 1; run <= 2; run++) await manager.retire();

    const expected = [
      ['init', 'v1', 1],
      ['stage', 'v2', 2],
      ['canary', 'v2', 3],
      ['promote', 'v2', 4],
      ['revert', 'v1', 5],
      ['retire', 'v2', 6],
    ].flatMap(([step, version, revision]) =>
      Array.from({ length: 2 }, () => ({ ring: 'gold', step, version, revision })),
    );
    expect(told).toEqual(expected);
  });

  it('are told of a key that a revert or a probe rejected', async () => {
    const scene = await ringScene();
    const told: string[] = [];
    const notify = [({ step, version }: RingChange) => Promise.resolve(void told.push(`${step} ${version}`))];
    await scene.manager().init(OLD);

    await failure(scene.manager({ notify, probe: () => Promise.reject(new Error('401')) }).stage(NEW));
    await scene.manager().stage(NEW);
    await scene.manager({ notify }).revert();
    await scene.manager({ notify }).revert();

    expect(told).toEqual(['stage v2', 'revert v3', 'revert v3']);
  });

  it('are not told of a step that was refused', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    const told: RingChange[] = [];
    const manager = scene.manager({ notify: [(change) => Promise.resolve(void told.push(change))] });

    await failure(manager.promote());
    await failure(manager.retire());

    expect(told).toEqual([]);
  });

  it('are tried three times, reported, and undo nothing; the others are told all the same', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    const heard = failuresHeard();
    const told: number[] = [];
    let tries = 0;
    const manager = scene.manager({
      notify: [
        () => {
          tries++;
          return Promise.reject(new Error('the pager is off'));
        },
        () => {
          throw new Error('not even a promise');
        },
        ({ revision }) => Promise.resolve(void told.push(revision)),
      ],
    });

    const staging = manager.stage(NEW);
    const done = await onClock(scene, staging);

    expect(done).toEqual({ version: 'v2' });
    expect(tries).toBe(3);
    expect(told).toEqual([2]);
    heard.sort((a, b) => a.hook - b.hook);
    expect(heard.map(({ hook, step, revision }) => [hook, step, revision])).toEqual([
      [0, 'stage', 2],
      [1, 'stage', 2],
    ]);
    expect(heard[0]).toEqual({
      ring: 'gold',
      step: 'stage',
      version: 'v2',
      revision: 2,
      hook: 0,
      error: new Error('the pager is off'),
    });
    expect(await statesOf(scene)).toEqual({ v1: 'current', v2: 'pending' });
  });

  it('are heard when a later try succeeds', async () => {
    const scene = await ringScene();
    const heard = failuresHeard();
    let tries = 0;
    const manager = scene.manager({
      notify: [() => (++tries < 3 ? Promise.reject(new Error('busy')) : Promise.resolve())],
    });

    await onClock(scene, manager.init(OLD));

    expect(tries).toBe(3);
    expect(heard).toEqual([]);
  });

  it('are tried again after 200 ms, and then after 400 ms', async () => {
    const scene = await ringScene();
    failuresHeard();
    const tries: number[] = [];
    const manager = scene.manager({
      notify: [() => (tries.push(scene.clock.now() - START), Promise.reject(new Error('busy')))],
    });

    await onClock(scene, manager.init(OLD));

    const [first = NaN] = tries;
    expect(tries.map((at) => at - first)).toEqual([0, 200, 600]);
  });

  it('hold up no step for ever, but each try for ten seconds', async () => {
    const scene = await ringScene();
    const heard = failuresHeard();
    const tries: number[] = [];
    const manager = scene.manager({
      notify: [() => new Promise(() => void tries.push(scene.clock.now()))],
    });

    const done = await onClock(scene, manager.init(OLD));

    expect(done).toEqual({ version: 'v1' });
    expect((tries[1] ?? NaN) - (tries[0] ?? NaN)).toBe(10_200);
    expect(heard).toHaveLength(1);
    expect(heard[0]?.error).toEqual(new Error('The hook did not settle within 10000 ms.'));
  });

  it('are told what the channel of steps tells too, with or without a hook', async () => {
    const scene = await ringScene();
    const heard = heardOn<RingChange>('goldkey:rotation-step');

    await scene.manager().init(OLD);

    expect(heard).toEqual([{ ring: 'gold', step: 'init', version: 'v1', revision: 1 }]);
  });

  it('cannot change what the next hook is told', async () => {
    const scene = await ringScene();
    const told: string[] = [];
    const manager = scene.manager({
      notify: [
        (change) => Promise.resolve(void (change.step = 'nothing')),
        ({ step }) => Promise.resolve(void told.push(step)),
      ],
    });

    await manager.init(OLD);

    expect(told).toEqual(['init']);
  });

  it.each([
    ['Error', new Error(`posted ${OLD}`)],
    ['PostError', Object.assign(new Error(`posted ${OLD}`), { name: 'PostError' })],
    ['Error', Object.assign(new Error('posted'), { name: OLD })],
    ['Error', Object.assign(new Error('posted'), { name: 7 })],
    ['not an Error', OLD],
  ])('are reported as a warning that quotes nothing of theirs where nobody listens: %s', async (kind, thrown) => {
    const scene = await ringScene();
    expect(channel('goldkey:notify-failed').hasSubscribers).toBe(false);
    const warnings: Error[] = [];
    const listener = (warning: Error): void => void warnings.push(warning);
    process.on('warning', listener);
    onTestFinished(() => void process.off('warning', listener));
    const manager = scene.manager({ notify: [() => Promise.reject(thrown as Error)] });

    await onClock(scene, manager.init(OLD));
    await new Promise((resolve) => setImmediate(resolve));

    const ours = warnings.filter(({ name }) => name === 'GoldKeyWarning');
    expect(ours).toHaveLength(1);
    expect(ours[0]).toMatchObject({
      code: 'GOLDKEY_NOTIFY_FAILED',
      message: `The \`init\` of v1 in the key ring \`gold\` is done, but \`notify[0]\` failed (${kind}); run the step again to call the hook again.`,
    });
  });
});
