import { describe, expect, it } from 'vitest';
import { compareVersionNames, findVersion, parseRing } from '../../../src/rotation/ring/document.js';
import { isSameWrite, serializeRing } from '../../../src/rotation/ring/serialize.js';
import type { KeyRingDocument } from '../../../src/rotation/index.js';
import { edit, failure, NEW, OLD, ringOf } from '../rings.js';
import { ringScene } from '../scene.js';

const SECRET_LOOKING = 'content-that-must-not-be-told';

/** A ring with every field, as the file has it. */
function whole(): Record<string, any> {
  const version = (state: string, more: object = {}): object => ({
    state,
    cipher: 'local',
    keyId: 'local-0123456789abcdef',
    encryptionContext: { service: 'gold-data-stream', 'goldkey:ring': 'gold' },
    fingerprint: '0123abcd',
    createdAt: '2026-11-22T12:00:00.000Z',
    metadata: { ticket: 'OPS-1' },
    ciphertext: 'eyJh..b.c.d',
    ...more,
  });
  return {
    format: 'goldkey/1',
    name: 'gold',
    revision: 7,
    id: 'a-ring',
    writeId: 'a-write',
    current: 'v2',
    previous: 'v1',
    rollout: { pending: 'v3', id: 'one', percent: 10, startedAt: '2026-11-22T12:00:00.000Z' },
    versions: {
      v1: version('previous', { notAfter: '2026-11-23T12:00:00.000Z' }),
      v2: version('current'),
      v3: version('pending', { rotationId: 'an-id' }),
      v0: version('retired', { ciphertext: undefined }),
    },
  };
}

/** Puts `value` at a path; `undefined` takes the field away. */
function changed(path: string, value: unknown): string {
  const ring = whole();
  const names = path.split('/');
  const last = names.pop() ?? '';
  let holder = ring;
  for (const name of names) holder = holder[name] as Record<string, any>;
  if (value === undefined) delete holder[last];
  else holder[last] = value;
  return JSON.stringify(ring);
}

const parsed = (text: string): Error & Record<string, unknown> => {
  try {
    parseRing(text, 'file');
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error('It was expected to be refused.');
};

const WRONG: Record<string, unknown[]> = {
  format: [undefined, null, 1, '', 'goldkey/2', 'other/1'],
  name: [undefined, null, '', 7, {}],
  revision: [undefined, null, 0, -1, 1.5, '7', 2 ** 53],
  id: [null, '', 7, {}],
  writeId: [undefined, null, '', 7],
  current: [undefined, null, '', 7, 'v9', 'v1', 'v3', 'v0', '__proto__', 'constructor'],
  previous: [null, '', 7, 'v9', 'v2', 'v3', 'v0', 'toString'],
  rollout: [null, 'v3', 7, [], {}],
  'rollout/pending': [undefined, null, '', 'v9', 'v2', 'v1', 'v0', '__proto__'],
  'rollout/id': [undefined, null, '', 7],
  'rollout/percent': [undefined, null, '10', -1, 101],
  'rollout/startedAt': [
    undefined,
    null,
    '',
    'yesterday',
    1_700_000_000_000,
    '2026-11-22',
    '2026-11-22T12:00:00.000Z (noon)',
    '+002026-11-22T12:00:00.000Z',
    ['2026-11-22T12:00:00.000Z'],
  ],
  'rollout/revertedAt': [null, '', 'yesterday', 7],
  versions: [undefined, null, [], 'v1', {}],
  'versions/v2': [undefined, null, [], 'key'],
  'versions/v2/state': [undefined, null, '', 'active', 7, 'previous', 'pending'],
  'versions/v2/cipher': [undefined, null, '', 7],
  'versions/v2/keyId': [undefined, null, '', 7],
  'versions/v2/encryptionContext': [undefined, null, [], 'x', { a: 1 }],
  'versions/v2/fingerprint': [undefined, null, '', 'xyz', '0123ABCD', '0123abcd0', 7, ['0123abcd']],
  'versions/v2/createdAt': [undefined, null, 7],
  'versions/v2/ciphertext': [undefined, null, '', 7],
  'versions/v2/metadata': [null, [], 'x', { a: 1 }],
  'versions/v3/rotationId': [null, '', 7],
  'versions/v1/notAfter': [null, '', 'tomorrow', 7],
  'versions/v1/revertedAt': [null, '', 'yesterday', 7],
  'versions/v0/ciphertext': [null, '', 7],
  'versions/v0/state': ['current', 'previous'],
};

describe('a ring that is read', () => {
  it('is taken as it is when every field is right', () => {
    expect(parseRing(JSON.stringify(whole()), 'file')).toEqual(JSON.parse(JSON.stringify(whole())));
  });

  it('is taken without an `id`, as 0.1.0 wrote it', () => {
    const { id: _, ...ring } = whole();

    expect(parseRing(JSON.stringify(ring), 'file')).toEqual(JSON.parse(JSON.stringify(ring)));
  });

  it.each(Object.entries(WRONG).flatMap(([path, values]) => values.map((value) => [path, value] as const)))(
    'is refused by the path `%s` when there is %j',
    (path, value) => {
      const error = parsed(changed(path, value));

      const root = path.split('/')[0] ?? '';
      expect(error).toMatchObject({ name: 'KeyProviderError', code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
      expect(error['provider']).toBe('file');
      // A reference that is wrong may be told at either of its ends.
      expect(error.message).toMatch(new RegExp(`\`(${root}|current|previous|rollout|versions)[.\\w]*\``));
      expect(error.message.length).toBeLessThan(300);
    },
  );

  it.each([
    ['versions/v2/state', 'versions.v2.state'],
    ['versions/v2/fingerprint', 'versions.v2.fingerprint'],
    ['versions/v2/encryptionContext', 'versions.v2.encryptionContext'],
    ['rollout/percent', 'rollout.percent'],
    ['rollout/startedAt', 'rollout.startedAt'],
    ['versions/v1/notAfter', 'versions.v1.notAfter'],
    ['revision', 'revision'],
    ['format', 'format'],
    ['current', 'current'],
  ])('is refused with the path and without what is there: %s', (path, told) => {
    const error = parsed(changed(path, SECRET_LOOKING));

    expect(error.message).toContain(`\`${told}\``);
    expect(String(error.stack)).not.toContain(SECRET_LOOKING);
    expect(error.cause).toBeUndefined();
  });

  it.each([
    ['name', '', "must be a non-empty string, got ''"],
    ['name', 7, 'must be a non-empty string, got 7'],
    ['writeId', undefined, 'is missing'],
    ['revision', 0, 'must be an integer from 1'],
    ['rollout', [], 'must be an object, got an array'],
    ['rollout/percent', 101, 'must be a number from 0 to 100'],
    ['rollout/startedAt', 'yesterday', 'must be an ISO 8601 time'],
    ['versions/v2/createdAt', 7, 'must be a string, got 7'],
    ['versions/v2/fingerprint', 'xyz', 'must be 8 hex digits'],
    ['versions/v2/state', 'active', 'must be one of pending, current, previous, retired, rejected'],
    ['versions/v2/state', 'pending', 'must be `current`, as `current` names it'],
    ['versions/v2/ciphertext', undefined, 'is missing, and `current` names it'],
    ['versions/v0/state', 'current', 'is `current`, but the ring does not name this version'],
    ['current', 'v9', 'names a version that is not in `versions`'],
  ])('is refused by `%s` of %j with the words: it %s', (path, value, words) => {
    expect(parsed(changed(path, value)).message).toBe(
      `The key ring is invalid at \`${path.replaceAll('/', '.')}\`: it ${words}.`,
    );
  });

  it.each([
    ['', 'is empty'],
    [' \n', 'is empty'],
    ['{"format":', 'is not JSON; it may have been cut short'],
    ['7', 'must be an object, got 7'],
    [' '.repeat(400_001), 'has 400001 characters, more than any ring'],
  ])('is refused as a whole with the words that say why', (text, words) => {
    expect(parsed(text).message).toBe(`The key ring is invalid: it ${words}.`);
  });

  it('may have every client on trial, a rejected version, and one whose key is being minted', () => {
    const ring = whole();
    ring['rollout'].percent = 100;
    ring['versions'].v0.state = 'rejected';
    ring['versions'].v4 = { ...ring['versions'].v0, state: 'pending', keyId: '', fingerprint: '' };

    expect(parseRing(JSON.stringify(ring), 'file')).toEqual(JSON.parse(JSON.stringify(ring)));
  });

  it('is refused at the place in its metadata or context that is no string', () => {
    expect(parsed(changed('versions/v2/metadata/ticket', 7)).message).toContain('`versions.v2.metadata.ticket`');
    expect(parsed(changed('versions/v2/encryptionContext/service', {})).message).toContain(
      '`versions.v2.encryptionContext.service`',
    );
    // The key, pasted as the name of a pair.
    const pasted = changed(`versions/v2/encryptionContext/${OLD}`, 7);
    expect(parsed(pasted).message).toContain('`versions.v2.encryptionContext.[18 characters, not shown]`');
    expect(parsed(pasted).message).not.toContain(OLD);
  });

  it('is refused when it has been cut short anywhere, or is no ring at all', () => {
    const text = `${JSON.stringify(whole(), undefined, 2)}\n`;

    for (let length = 0; length < text.length - 2; length += 7) {
      expect(parsed(text.slice(0, length))).toMatchObject({ name: 'KeyProviderError', retryable: true });
    }
    for (const other of ['null', '[]', '7', '"text"', '{}', '\u0000', '{"versions":{}}', SECRET_LOOKING]) {
      expect(parsed(other)).toMatchObject({ name: 'KeyProviderError', retryable: true });
      expect(String(parsed(other).stack)).not.toContain(SECRET_LOOKING);
    }
  });

  it('is refused when two stages are one version', () => {
    expect(parsed(changed('previous', 'v2')).message).toMatch(/`previous`.*the same version as `current`/);
    expect(parsed(changed('rollout/pending', 'v1')).message).toMatch(
      /`rollout.pending`.*the same version as `previous`/,
    );
  });

  it('is refused when it is of a later format, with what to do about it', () => {
    expect(parsed(changed('format', 'goldkey/2')).message).toContain('update');
  });

  it.each(['__proto__', 'v 1', '', '-v1', 'v/1', 'x'.repeat(65)])('has no version of the name %j', (name) => {
    const ring = JSON.stringify(whole()).replace('"v0":', `${JSON.stringify(name)}:`);

    const error = parsed(ring);

    expect(error).toMatchObject({ name: 'KeyProviderError', retryable: true });
    expect(error.message).toBe('The key ring is invalid at `versions`: it has an invalid version name.');
  });

  it('has no version of a name that every object inherits, and none where it names none', () => {
    const ring = JSON.parse(changed('versions/undefined', {})) as KeyRingDocument;

    expect([findVersion(ring, 'constructor'), findVersion(ring, undefined)]).toEqual([undefined, undefined]);
  });

  it('may have a version, a note or a field of the name `constructor` or `__proto__`, which stay what they are', () => {
    const text = JSON.stringify(whole())
      .replace('"v0":', '"constructor":')
      .replace('"ticket":', '"__proto__":')
      .replace('"writeId"', '"__proto__":{"current":"v1"},"writeId"');

    const ring = parseRing(text, 'file');

    expect(ring.current).toBe('v2');
    expect(JSON.parse(serializeRing(ring, 'test'))).toEqual(JSON.parse(text));
    expect(({} as Record<string, unknown>)['current']).toBeUndefined();
  });

  it('is refused when it is larger than any store holds', () => {
    expect(parsed(changed('versions/v0/metadata', { note: 'x'.repeat(400_000) }))).toMatchObject({
      name: 'KeyProviderError',
    });
  });
});

describe('the name of a version', () => {
  it('comes before one of a higher number, and is equal to itself alone', () => {
    const pairs = [
      ['v9', 'v10'],
      ['v01', 'v1'],
      ['v10', 'v9'],
      ['v1', 'v01'],
      ['v1', 'v1'],
    ] as const;

    expect(pairs.map(([a, b]) => Math.sign(compareVersionNames(a, b)))).toEqual([-1, -1, 1, 1, 0]);
  });
});

/** The whole ring with a note that makes its written text so long. */
function ringOfLength(length: number): KeyRingDocument {
  const ring = (note: string): KeyRingDocument =>
    JSON.parse(changed('versions/v0/metadata', { note })) as KeyRingDocument;
  return ring('x'.repeat(length - serializeRing(ring(''), 'test').length));
}

describe('a ring that is written', () => {
  it('may have 400,000 characters and no more', () => {
    const text = serializeRing(ringOfLength(400_000), 'test');

    expect(text).toHaveLength(400_000);
    expect(parseRing(text, 'test').current).toBe('v2');
    expect(() => serializeRing(ringOfLength(400_001), 'test')).toThrow(
      expect.objectContaining({
        name: 'KeyProviderError',
        provider: 'test',
        retryable: false,
        message:
          'The key ring would have 400001 characters, more than any store holds; give its versions less `metadata`.',
      }),
    );
  });

  it('has its versions in the order of their numbers', () => {
    const ring = JSON.parse(changed('versions/v10', whole()['versions'].v0)) as KeyRingDocument;

    expect(Object.keys(parseRing(serializeRing(ring, 'test'), 'test').versions)).toEqual([
      'v0',
      'v1',
      'v2',
      'v3',
      'v10',
    ]);
  });

  it('is told from every other write by its id and revision', () => {
    const ring = whole() as KeyRingDocument;

    expect(isSameWrite({ ...ring }, ring)).toBe(true);
    for (const other of [undefined, { ...ring, writeId: 'another' }, { ...ring, revision: 8 }]) {
      expect(isSameWrite(other, ring)).toBe(false);
    }
  });

  it('has the same text whatever the order of its fields', () => {
    // Two names that are one number.
    const ring = JSON.parse(changed('versions/v00', whole()['versions'].v0)) as KeyRingDocument;
    const turned = (value: unknown): unknown =>
      typeof value !== 'object' || value === null || Array.isArray(value)
        ? value
        : Object.fromEntries(
            Object.entries(value)
              .toReversed()
              .map(([name, held]) => [name, turned(held)]),
          );

    const text = serializeRing(turned(ring) as KeyRingDocument, 'test');

    expect(text).toBe(serializeRing(ring, 'test'));
    expect(Object.keys(JSON.parse(text) as object)).toEqual([
      'format',
      'name',
      'revision',
      'id',
      'writeId',
      'current',
      'previous',
      'rollout',
      'versions',
    ]);
    expect(text.endsWith('}\n')).toBe(true);
  });

  it('keeps the fields of a later version from its first step to its last', async () => {
    const scene = await ringScene();
    const manager = scene.manager();
    const seen: unknown[] = [];
    const note = async (): Promise<void> => {
      const ring = (await ringOf(scene)) as unknown as Record<string, any>;
      seen.push([ring['owner'], ring['versions'].v1.hsm, ring['versions'].v1.nested]);
    };

    await manager.init(OLD);
    await edit(scene, (ring) => {
      Object.assign(ring, { owner: { team: 'metals', pager: null } });
      Object.assign(ring.versions['v1'] ?? {}, { hsm: 'slot-4', nested: [{ a: 1 }] });
    });
    await manager.stage(NEW);
    await note();
    await edit(scene, (ring) => void Object.assign(ring.rollout ?? {}, { region: 'eu-central-1' }));
    await manager.canary(10);
    await manager.canary(20);
    expect((await ringOf(scene)).rollout).toMatchObject({ region: 'eu-central-1', percent: 20 });
    await note();
    await manager.promote();
    await note();
    await manager.revert();
    await note();
    await manager.retire();
    await note();

    expect(seen).toEqual(Array.from({ length: 5 }, () => [{ team: 'metals', pager: null }, 'slot-4', [{ a: 1 }]]));
  });

  it('keeps the fields of a later version when a client records that it gave up', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    await scene.manager().stage(NEW);
    await scene.manager().canary(10);
    await edit(scene, (ring) => void Object.assign(ring.rollout ?? {}, { region: 'eu-central-1' }));
    const { recordRejection } = await import('../../../src/rotation/ring/write-ring.js');

    await recordRejection(
      { store: scene.store, name: 'gold', ciphers: [scene.cipher] },
      'v2',
      (await ringOf(scene)).rollout?.id,
    );

    const { rollout } = await ringOf(scene);
    expect(rollout).toMatchObject({ region: 'eu-central-1', revertedAt: expect.any(String) as unknown });
  });

  it('is not taken further when it is damaged: every step says so and changes nothing', async () => {
    const scene = await ringScene();
    const manager = scene.manager();
    await manager.init(OLD);
    await edit(scene, (ring) => {
      ring.current = 'v7';
    });

    for (const step of [
      () => manager.init(OLD),
      () => manager.stage(NEW),
      () => manager.revert(),
      () => manager.status(),
    ]) {
      expect(await failure(step())).toMatchObject({ name: 'KeyProviderError', retryable: true });
    }
  });
});
