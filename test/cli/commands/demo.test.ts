import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { run } from '../run.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('demo', () => {
  it('tells the story, holds it to the facts and leaves nothing behind', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'goldkey-test-'));
    vi.stubEnv('TMPDIR', folder);
    try {
      const ran = await run(['demo']);

      expect(ran).toMatchObject({ code: 0, stderr: '' });
      const told = ran.stdout.split('\n').filter((line) => /^\d\./.test(line));
      expect(told.map((line) => line.slice(3, 15).trim())).toEqual([
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
      expect(ran.stdout).toContain('HTTP 401, then 200. The caller got 2199.51 and no error.');
      expect(ran.stdout).toContain('All of it happened as told.');
      expect(await readdir(folder)).toEqual([]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
