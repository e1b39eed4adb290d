import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Narrator } from '../../../src/cli/commands/demo/narrator.js';
import { run } from '../run.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** The lines of each scene, by its title. */
function readScenes(stdout: string): Map<string, string> {
  const scenes = new Map<string, string>();
  let title = '';
  for (const line of stdout.split('\n')) {
    if (/^\d\. /.test(line)) title = line.slice(3, 15).trim();
    if (/^(?:\d\.| {15})/.test(line)) scenes.set(title, `${scenes.get(title) ?? ''}${line.slice(15)}\n`);
  }
  return scenes;
}

describe('demo', () => {
  it('tells the story, holds it to the facts and leaves nothing behind', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'goldkey-test-'));
    vi.stubEnv('TMPDIR', folder);
    try {
      const ran = await run(['demo']);

      expect(ran).toMatchObject({ code: 0, stderr: '' });
      const scenes = readScenes(ran.stdout);
      expect([...scenes.keys()]).toEqual([
        'Encrypt',
        'First price',
        'Cached',
        'Rotated',
        'Repaired',
        'Store down',
        'Bad key',
        'Two keys',
        'Counts',
      ]);
      expect(scenes.get('First price')).toContain('Decryptions so far: 1.');
      expect(scenes.get('Cached')).toContain('200 more prices at once. Decryptions so far: 1: ');
      expect(scenes.get('Repaired')).toContain('HTTP 401, then 200. The caller got 2199.51 and no error.');
      const fingerprint = /fingerprint ([0-9a-f]{8})/.exec(scenes.get('Rotated') ?? '')?.[1] ?? 'none';
      expect(scenes.get('Repaired')).toContain(`Decryptions so far: 2; key in use: ${fingerprint}.`);
      // Not one read of the store a call: the client backs off.
      expect(scenes.get('Store down')).toMatch(/Failed reads of the store: [12]; times a stale key was chosen: 3\./);
      expect(scenes.get('Bad key')).toContain('the price API refuses it: rejected, and no client saw it.');
      expect(scenes.get('Two keys')).toMatch(/tried by (?:[1-9]|1\d) of 20 clients, promoted \(20 of 20 use it\)/);
      expect(scenes.get('Two keys')).toContain('refused 0, failed 0.');
      expect(scenes.get('Counts')).toContain('Prices asked for 205, answered 205; decryptions 2.');
      expect(scenes.get('Counts')).toContain('Keys in what was printed: 0.');
      expect(ran.stdout).toContain('All of it happened as told.');
      expect(await readdir(folder)).toEqual([]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('exits with 1 and names the figure when one differs from what it tells', () => {
    const stdout = new PassThrough();
    const narrator = new Narrator({ stdin: Readable.from([]), stdout, stderr: new PassThrough(), env: {} });

    narrator.check({ decryptions: [1, 1], repairs: [1, 2] });

    expect(narrator.finish()).toBe(1);
    expect(String(stdout.read())).toBe('\nNot as told:\nrepairs: told 1, measured 2\n');
  });
});
