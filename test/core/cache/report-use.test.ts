import { describe, expect, it } from 'vitest';
import { REPORT_USE, type KeyUse } from '../../../src/core/cache/report-use.js';
import { refusal, scene, type Scene } from '../scene.js';

describe('a store that wants to know which version works', () => {
  /** A scene whose store takes reports. */
  function reporting(options?: Parameters<typeof scene>[0]): Scene & { reports: KeyUse[] } {
    const play = scene(options);
    const reports: KeyUse[] = [];
    Object.assign(play.store, { [REPORT_USE]: (use: KeyUse) => void reports.push(use) });
    return { ...play, reports };
  }

  it('is told of the first success with a key, by the client’s clock, and again a minute later', async () => {
    const { clock, call, reports } = reporting({ instanceId: 'one' });
    const at = clock.now();
    for (const ms of [59_999, 1, 1]) {
      await call();
      await clock.advance(ms);
    }

    expect(reports).toEqual([
      { instance: 'one', version: 'v1', at },
      { instance: 'one', version: 'v1', at: at + 60_000 },
    ]);
  });

  it('may be of another copy of the package', async () => {
    const { store, call } = scene({ instanceId: 'one' });
    const reports: KeyUse[] = [];
    Object.assign(store, { [Symbol.for('goldkey.report-use')]: (use: KeyUse) => void reports.push(use) });
    await call();

    expect(reports).toHaveLength(1);
  });

  it('is told once a minute also by a client that has each result judged', async () => {
    const { call, reports } = reporting({ instanceId: 'one', isKeyRejected: () => false });
    await call();
    await call();

    expect(reports).toHaveLength(1);
  });

  it('is told the name of the process by a client without an id, and nothing by a call that is refused', async () => {
    const { client, call, reports } = reporting();
    await client.withKey(() => Promise.reject(refusal())).catch(() => undefined);
    const refused = [...reports];
    await call();

    expect(refused).toEqual([]);
    expect(reports).toMatchObject([
      { instance: expect.stringMatching(`:${String(process.pid)}:[0-9a-f]{8}$`) as string },
    ]);
  });
});
