import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { formatAge, formatStatus } from '../../../src/cli/commands/rotation-status.js';
import type { CliIo } from '../../../src/cli/io.js';
import type { RotationStatus } from '../../../src/rotation/index.js';
import { manualClock } from '../../../src/testing/index.js';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 27);

const makeIo = (isTTY: boolean): CliIo => {
  const stream = Object.assign(new PassThrough(), { isTTY });
  return { stdin: new PassThrough(), stdout: stream, stderr: stream, env: { NO_COLOR: '1' }, clock: manualClock(NOW) };
};

const status: RotationStatus = {
  name: 'gold',
  revision: 7,
  current: 'v2',
  previous: 'v1',
  previousUntil: NOW + DAY,
  pending: undefined,
  percent: 0,
  revertedAt: undefined,
  nextStep: 'wait: v1 is kept until tomorrow',
  versions: [
    {
      version: 'v1',
      state: 'previous',
      fingerprint: '0a1b2c3d',
      age: 40 * DAY,
      instances: 1,
      lastUsedAt: NOW - 90_000,
    },
    { version: 'v2', state: 'current', fingerprint: '4e5f6071', age: 10 * DAY, instances: 5, lastUsedAt: NOW },
  ],
};

describe('the status of a ring', () => {
  it('is a row a version, with its instances and last use, and the next step in words', () => {
    expect(formatStatus(makeIo(false), status).split('\n')).toEqual([
      'gold, revision 7',
      'version  state     fingerprint  age      instances  last use',
      'v1       previous  0a1b2c3d     40 days  1          1 minute ago   kept until 2026-11-28T00:00:00.000Z',
      'v2       current   4e5f6071     10 days  5          0 minutes ago',
      'next  wait: v1 is kept until tomorrow',
    ]);
  });

  it('has a timeline on a terminal, each version from when it was made until now', () => {
    expect(formatStatus(makeIo(true), status).split('\n').slice(4, -1)).toEqual([
      `v1  ${'='.repeat(40)}`,
      `v2  ${' '.repeat(30)}${'#'.repeat(10)}`,
      `    40 days ago${' '.repeat(26)}now`,
    ]);
  });

  it('has none of a single version, and none where no age is known', () => {
    const [v1, v2] = status.versions as [RotationStatus['versions'][0], RotationStatus['versions'][0]];
    for (const versions of [[v1], [v1, { ...v2, age: Infinity }]]) {
      expect(formatStatus(makeIo(true), { ...status, versions }).split('\n')).toHaveLength(3 + versions.length);
    }
  });
});

describe('an age', () => {
  it.each([
    [0, '0 minutes'],
    [60_000, '1 minute'],
    [7_199_999, '119 minutes'],
    [7_200_000, '2 hours'],
    [2 * DAY - 1, '47 hours'],
    [2 * DAY, '2 days'],
    [Infinity, 'unknown'],
  ])('of %d ms is %j', (ms, words) => {
    expect(formatAge(ms)).toBe(words);
  });
});
