import { describe, expect, it } from 'vitest';
import type { KeyRingDocument, RingVersion } from '../../../src/rotation/index.js';
import {
  findRevertedPending,
  newVersion,
  nextVersionName,
  wasFolded,
  withCanary,
  withoutOldVersions,
  withPendingVersion,
  withRejected,
  withRetirement,
  type RingBinding,
} from '../../../src/rotation/ring/transitions.js';
import { parsePin } from '../../../src/rotation/ring/version-pin.js';

const AT = '2026-11-22T12:00:00.000Z';
const NOW = Date.parse(AT);

const version = (state: RingVersion['state'], more: Partial<RingVersion> = {}): RingVersion => ({
  state,
  cipher: 'local',
  keyId: 'local-0123456789abcdef',
  encryptionContext: { 'goldkey:ring': 'gold' },
  fingerprint: '0123abcd',
  createdAt: AT,
  ciphertext: 'eyJh..b.c.d',
  ...more,
});

const ringOf = (versions: Record<string, RingVersion>, more: Partial<KeyRingDocument> = {}): KeyRingDocument => ({
  format: 'goldkey/1',
  name: 'gold',
  revision: 1,
  id: 'a-ring',
  writeId: 'a-write',
  current: 'v1',
  versions: { v1: version('current'), ...versions },
  ...more,
});

const rollout = (percent: number) => ({ pending: 'v2', id: 'first', percent, startedAt: AT });
const trial = (percent: number) => ringOf({ v2: version('pending') }, { rollout: rollout(percent) });

describe('the name of the next version', () => {
  it('follows the highest number, whatever another program named its versions', () => {
    const retired = version('retired');

    expect(nextVersionName(ringOf({ v9: retired, v10: retired, xv20: retired, v30x: retired, 'v-40': retired }))).toBe(
      'v11',
    );
  });

  it('is none that is taken, however many digits the numbers of another program have', () => {
    const retired = version('retired');

    expect(nextVersionName(ringOf({ v999999999: retired, v1000000000: retired }))).toBe('v1000000001');
  });

  it('tells a version that was folded away from one that there never was', () => {
    const ring = ringOf({ v9: version('retired') });
    const names = ['v1', 'v2', 'v8', 'v02', 'v9', 'v09', 'v10', 'v0', 'other'];

    expect(names.filter((name) => wasFolded(ring, name))).toEqual(['v2', 'v8']);
    // Of another program: `v9` itself was never given.
    expect(wasFolded(ringOf({ v009: version('retired') }), 'v9')).toBe(false);
  });
});

describe('an old version', () => {
  it.each([
    [100_000, ['v1', 'v2', 'v3']],
    [100_001, ['v1', 'v3']],
  ])('of %d characters stays or not: all of them together may have 100,000', (length, names) => {
    const empty = version('retired', { metadata: { notes: '' } });
    const notes = 'n'.repeat(length - JSON.stringify(empty).length);
    const ring = ringOf({ v2: version('retired', { metadata: { notes } }), v3: version('pending') });

    expect(Object.keys(withoutOldVersions(ring).versions)).toEqual(names);
  });
});

describe('the newest version', () => {
  it.each([
    ['was rejected by a revert', version('rejected', { revertedAt: AT }), { name: 'v2', revertedAt: AT }],
    ['was rejected for another one', version('rejected'), undefined],
    ['was current before the revert', version('previous', { revertedAt: AT }), undefined],
  ])('counts as reverted while it was pending, or not: it %s', (_, v2, found) => {
    expect(findRevertedPending(ringOf({ v2 }))).toEqual(found);
  });
});

describe('a version that is about to be minted', () => {
  const cipher = { name: 'local', encryptionContext: { service: 'gold' } } as unknown as RingBinding['cipher'];

  it('has the id of its rotation, and no key yet', () => {
    const made = newVersion(
      { cipher, binding: { 'goldkey:ring': 'gold' } },
      { state: 'pending', now: NOW, rotationId: 'one' },
    );

    expect(made).toStrictEqual({
      state: 'pending',
      cipher: 'local',
      keyId: '',
      encryptionContext: { service: 'gold', 'goldkey:ring': 'gold' },
      fingerprint: '',
      createdAt: AT,
      rotationId: 'one',
    });
    expect(newVersion({ cipher, binding: {} }, { state: 'pending', now: NOW })).not.toHaveProperty('rotationId');
  });

  it('takes the place of another pending one, and keeps its canary where it is the same one', () => {
    const again = withPendingVersion(trial(10), 'v2', version('pending', { fingerprint: 'ffffffff' }));
    const other = withPendingVersion(trial(10), 'v3', version('pending'));

    expect(again).toMatchObject({
      rollout: rollout(10),
      versions: { v2: { state: 'pending', fingerprint: 'ffffffff' } },
    });
    expect(other).toMatchObject({ versions: { v2: { state: 'rejected' }, v3: { state: 'pending' } } });
    expect(other).not.toHaveProperty('rollout');
  });
});

describe('a version that is rejected', () => {
  it('ends its own canary and no other', () => {
    expect(withRejected(trial(10), 'v2', NOW)).not.toHaveProperty('rollout');
    expect(withRejected(trial(10), 'v3', NOW).rollout).toEqual(rollout(10));
  });
});

describe('a canary', () => {
  it.each([
    ['grows', trial(10), 20, true],
    ['shrinks', trial(10), 1, true],
    ['starts', trial(0), 10, false],
    ['is taken back to none', trial(10), 0, false],
    ['starts after a revert', ringOf({}, { rollout: { ...rollout(10), revertedAt: AT } }), 20, false],
  ])('that %s is the same one, or another', (_, ring, percent, isSame) => {
    const after = withCanary(ring, percent, NOW + 1).rollout;

    expect(after).toStrictEqual({
      pending: 'v2',
      id: isSame ? 'first' : (expect.stringMatching(/^[\da-f-]{36}$/) as unknown),
      percent,
      startedAt: '2026-11-22T12:00:00.001Z',
    });
  });

  it('is none without a pending version', () => {
    const ring = ringOf({});

    expect(withCanary(ring, 10, NOW)).toBe(ring);
  });
});

describe('a version that is retired', () => {
  it('has no ciphertext any more, not even an empty one', () => {
    const ring = withRetirement(ringOf({ v0: version('previous') }, { previous: 'v0' }), 'v0');

    const { ciphertext: _, ...rest } = version('retired');
    expect(ring.versions['v0']).toStrictEqual(rest);
    expect(ring).not.toHaveProperty('previous');
  });
});

describe('what clients follow', () => {
  const ring = ringOf({ v0: version('previous', { notAfter: AT }), v2: version('pending') }, { previous: 'v0' });

  it('is no rollout without a canary, and without an end where nothing is kept', () => {
    const pin = parsePin(undefined);

    expect(pin.rolloutFor(ring)).toEqual({ id: '', pendingPercent: 0, previousUntil: NOW });
    expect(pin.rolloutFor(trial(10))).toEqual({ id: 'first', pendingPercent: 10, previousUntil: undefined });
  });

  it('is no pending version once a client gave up on it', () => {
    const pin = parsePin('');
    const reverted = { ...ring, rollout: { ...rollout(10), revertedAt: AT } };

    expect([pin.versionFor('pending', trial(10)), pin.versionFor('pending', reverted)]).toEqual(['v2', undefined]);
    expect(pin.rolloutFor(reverted)).toMatchObject({ id: 'first', pendingPercent: 0 });
  });

  it('are, behind a pinned version, the two others of the ring', () => {
    const stages = (pinned: string) =>
      (['current', 'previous', 'pending'] as const).map((stage) => parsePin(pinned).versionFor(stage, ring));

    expect(stages('v2')).toEqual(['v2', 'v1', 'v0']);
    expect(stages('v1')).toEqual(['v1', 'v0', undefined]);
    expect(stages('v0')).toEqual(['v0', 'v1', undefined]);
    expect(parsePin('v2').rolloutFor(ring)).toEqual({ id: 'pinned:v2', pendingPercent: 0 });
  });

  it.each([
    ['was retired', 'v3'],
    ['was folded away', 'v4'],
  ])('are the ring’s own, without its canary, behind a pinned version that %s', (_, pinned) => {
    const pin = parsePin(pinned);
    const later = {
      ...ring,
      versions: { ...ring.versions, v3: version('retired'), v5: version('rejected') },
      rollout: rollout(10),
    };

    expect((['current', 'previous', 'pending'] as const).map((stage) => pin.versionFor(stage, later))).toEqual([
      'v1',
      'v0',
      undefined,
    ]);
    expect(pin.rolloutFor(later)).toEqual({ id: `retired-pin:${pinned}`, pendingPercent: 0 });
  });

  it('is told in words when it is no version', () => {
    expect(() => parsePin(7)).toThrow('`pinnedVersion` must be a string, got 7.');
  });
});
