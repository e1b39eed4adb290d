import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GoldDataClient, type KeyProvider, type LoadedKey, type Stage } from '../../../src/core/index.js';
import { assertNoSecret, keyProviderContract } from '../../../src/testing/index.js';
import { resetConnection } from '../../../src/testing/http/loopback-server.js';
import { fromVault } from '../../../src/providers/vault/index.js';
import { failure, request, text } from '../loading.js';
import { errors, pauseless, vaultLike, type Reply, type VaultLike } from './vault-like.js';

const KEY = 'sk-invented/+&=0123456789';
const TOKEN = 'hvs.invented-token-0123456789';
const DATA = 'secret/data/gold/api';
const METADATA = 'secret/metadata/gold/api';
const MAY = 'sys/capabilities-self';
const CREATED = '2026-11-22T11:37:15.023536549Z';
const ABSENT: Reply = { status: 404, body: { errors: [] } };
type Options = Parameters<typeof fromVault>[0];

let vault: VaultLike;
const opened: KeyProvider[] = [];

const provider = (more: Partial<Options> = {}): KeyProvider => {
  const made = fromVault({ address: vault.url, auth: { method: 'token', token: TOKEN }, path: 'gold/api', ...more });
  opened.push(made);
  return made;
};
/** What Vault answers to the read of a version. */
const secret = (data: unknown, about: object = {}): Reply => ({
  status: 200,
  body: {
    data: { data, metadata: { created_time: CREATED, deletion_time: '', destroyed: false, version: 3, ...about } },
  },
});
const gone = (about: object): Reply => ({
  status: 404,
  body: {
    data: {
      data: null,
      metadata: { created_time: CREATED, deletion_time: '', destroyed: false, version: 3, ...about },
    },
  },
});
const metadata = (custom: object | null, versions: Record<string, object> = {}, current = 3): Reply => ({
  status: 200,
  body: { data: { current_version: current, custom_metadata: custom, versions } },
});
const live = (created = CREATED): object => ({ created_time: created, deletion_time: '', destroyed: false });
const may = (data: string, of: string): Reply => ({
  status: 200,
  body: { data: { [DATA]: [data], [METADATA]: [of] } },
});
const load = (from: KeyProvider, stage: Stage = 'current', known?: string[]): Promise<unknown> =>
  from.load(request(pauseless, { stage, known }));

beforeAll(async () => {
  vault = await vaultLike();
});
beforeEach(() => {
  vault.reset();
});
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close?.();
});
afterAll(() => vault[Symbol.asyncDispose]());

keyProviderContract(
  'fromVault',
  async (key) => {
    const server = await vaultLike();
    const made = fromVault({ address: server.url, auth: { method: 'token', token: TOKEN }, path: 'gold/api' });
    const hold = (value: string, version: number): void => {
      server.on(DATA, secret({ key: value }, { version }));
      server.on(METADATA, metadata(null, { [version]: live() }, version));
    };
    hold(key, 1);
    server.on(MAY, may('read', 'read'));
    return {
      provider: made,
      rotate: async (successor) => hold(successor, 2),
      deny: async () => server.on(DATA, errors(403, 'permission denied')),
      stop: async () => server[Symbol.asyncDispose](),
      cleanUp: async () => {
        await made.close?.();
        await server[Symbol.asyncDispose]();
      },
    };
  },
  { describe, it, expect },
);

describe('the options of fromVault', () => {
  it.each<[object, RegExp]>([
    [{ path: undefined }, /`path` must be a non-empty string, got undefined/],
    [{ path: 'gold//api' }, /`path` must be a path whose parts are neither empty nor dots/],
    [{ path: '../sys' }, /`path` must be a path/],
    [{ mount: '' }, /`mount` must be a non-empty string/],
    [{ field: 7 }, /`field` must be a non-empty string, got 7/],
    [{ feild: 'key' }, /fromVault has no option `feild`; did you mean `field`\?/],
    [{ stages: 5 }, /`stages` expects an options object, got 5/],
    [{ stages: { curent: 1 } }, /`stages` has no option `curent`; did you mean `current`\?/],
    [{ stages: { current: 0 } }, /`stages.current` must be an integer from 1/],
    [{ stages: { current: 1.5 } }, /`stages.current` must be an integer from 1/],
    [
      { stages: { previous: '' } },
      /`stages.previous` must be the number of a version or the name of a `custom_metadata` key/,
    ],
    [{ stages: { previous: true } }, /`stages.previous` must be the number of a version or the name/],
    [{ address: 'http://vault.example:8200' }, /`http:` only to loopback/],
  ])('%j is refused at once', (more, message) => {
    const make = (): unknown => provider(more as Partial<Options>);

    expect(make).toThrowError(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringMatching(message) }),
    );
  });
});

describe('the key among the fields', () => {
  it.each<[string, object, Partial<Options>]>([
    ['the only one there is', { anything: KEY }, {}],
    ['`key` among several', { comment: 'for the metals API', key: KEY }, {}],
    ['the one that `field` names', { key: 'another-key-000', gold: KEY }, { field: 'gold' }],
  ])('is %s', async (_, fields, more) => {
    vault.on(DATA, secret(fields));
    const loaded = (await load(provider(more))) as LoadedKey;

    expect(text(loaded)).toBe(KEY);
    expect(loaded).toMatchObject({ version: '3', createdAt: Date.parse(CREATED) });
    expect(loaded.bytes.buffer.byteLength).toBe(KEY.length);
    expect(vault.seen[0]?.headers['x-vault-token']).toBe(TOKEN);
  });

  it.each<[string, object, Partial<Options>, RegExp]>([
    ['is missing', { other: KEY }, { field: 'key' }, /Version 3 of the secret in Vault has no field `key`; check/],
    ['is one of several that have other names', { a: KEY, b: KEY }, {}, /has 2 fields, and none is named `key`/],
    ['is missing in a secret without fields', {}, {}, /has 0 fields/],
    ['is empty', { key: '' }, {}, /must hold the key as a string in its field, got an empty string/],
    ['is a number', { key: 1_234_567_890_123 }, {}, /got a number/],
    ['is an object', { key: { value: KEY } }, {}, /got a value of type object/],
    ['is null', { key: null }, {}, /got null/],
    ['comes from the prototype only', { a: KEY, b: KEY }, { field: 'toString' }, /has no field `toString`/],
  ])('that %s is malformed', async (_, fields, more, message) => {
    vault.on(DATA, secret(fields));
    const error = await failure(load(provider(more)));

    expect(error).toMatchObject({ name: 'KeyFormatError', retryable: false, version: '3' });
    expect(String(error)).toMatch(message);
    expect(String(error)).not.toContain('1234567890123');
    assertNoSecret(error, KEY);
  });

  it('that is binary rather than text is refused by the client, which names the position', async () => {
    vault.on(DATA, secret({ key: 'sk-\u0000\u0001\u00ff-not-text' }));
    const client = new GoldDataClient({ keyProvider: provider(), fetchPrice: async () => 1 });

    expect(await failure(client.getPrice('XAU'))).toMatchObject({
      name: 'KeyFormatError',
      message: expect.stringContaining('a control character (0x00) at position 3'),
    });
    await client.close();
  });

  it('in a secret of 5 MB is not read to its end', async () => {
    vault.on(DATA, secret({ key: KEY.repeat(200_000) }));
    const error = await failure(load(provider()));

    expect(error).toMatchObject({ name: 'KeyProviderError', message: expect.stringContaining('over 1 MB') });
    assertNoSecret(error, KEY);
  });
});

describe('the stages of fromVault', () => {
  it('without `stages` there is a current key alone, and nothing is asked for another', async () => {
    const from = provider();

    expect(await load(from, 'pending')).toBeUndefined();
    expect(await load(from, 'previous')).toBeUndefined();
    expect(vault.requests).toEqual([]);
  });

  it('a number is that version', async () => {
    vault.on(`${DATA}?version=2`, secret({ key: KEY }, { version: 2 }));

    expect(await load(provider({ stages: { previous: 2 } }), 'previous')).toMatchObject({ version: '2' });
    expect(vault.requests).toEqual([`GET ${DATA}?version=2`]);
  });

  it('a name is the version that this key of the custom metadata holds, now', async () => {
    vault.on(METADATA, metadata({ live: '2' }), metadata({ live: '3' }));
    vault.on(`${DATA}?version=2`, secret({ key: KEY }, { version: 2 }));
    vault.on(`${DATA}?version=3`, secret({ key: KEY }));
    const from = provider({ stages: { current: 'live' } });

    expect(await load(from)).toMatchObject({ version: '2' });
    expect(await load(from)).toMatchObject({ version: '3' });
  });

  it.each<[string, Reply]>([
    ['no such key', metadata({ other: '2' })],
    ['no custom metadata', metadata(null)],
    ['an empty one', metadata({ next: '' })],
    ['no secret', ABSENT],
  ])('%s: no pending key; for the current one it is an error', async (_, reply) => {
    vault.on(METADATA, reply);
    expect(await load(provider({ stages: { pending: 'next' } }), 'pending')).toBeUndefined();

    const error = await failure(load(provider({ stages: { current: 'next' } })));
    expect(error).toMatchObject({ name: 'KeyNotFoundError', retryable: false });
    expect(String(error)).toContain('`custom_metadata.next`');
  });

  it.each(['two', '0', '-1', '1.5'])('a name whose value is %j is malformed', async (value) => {
    vault.on(METADATA, metadata({ next: value }));

    expect(await failure(load(provider({ stages: { pending: 'next' } }), 'pending'))).toMatchObject({
      name: 'KeyFormatError',
      message: expect.stringContaining('`custom_metadata.next`'),
    });
  });

  it.each([
    ['absent', ABSENT],
    ['deleted', gone({ deletion_time: CREATED })],
    ['destroyed', gone({ destroyed: true })],
  ])('a previous version that is %s is none', async (_, reply) => {
    vault.on(`${DATA}?version=2`, reply);

    expect(await load(provider({ stages: { previous: 2 } }), 'previous')).toBeUndefined();
  });

  it('a version that Vault deletes later expires then', async () => {
    vault.on(DATA, secret({ key: KEY }, { deletion_time: '2126-11-22T11:37:15Z' }));
    expect(await load(provider())).toMatchObject({ expiresAt: Date.parse('2126-11-22T11:37:15Z') });
  });

  it('a version that is there though this clock says that it has ended is used', async () => {
    vault.on(DATA, secret({ key: KEY }, { deletion_time: '1960-01-01T00:00:00Z' }));
    const loaded = await load(provider());

    expect(text(loaded)).toBe(KEY);
    expect(loaded).not.toHaveProperty('expiresAt');
  });
});

describe('a version that is known', () => {
  const read = `GET ${DATA}`;
  beforeEach(() => {
    vault.on(DATA, secret({ key: KEY }));
    vault.on(METADATA, metadata(null, { 3: live() }));
    vault.on(MAY, may('read', 'read'));
  });

  it('and unchanged is not read again', async () => {
    const from = provider();
    await load(from);
    expect(vault.requests).toEqual([read]);

    expect(await load(from, 'current', ['2', '3'])).toEqual({ unchanged: true, version: '3' });
    expect(vault.requests).toEqual([read, `POST ${MAY}`, `GET ${METADATA}`]);
    expect(vault.seen[1]?.body).toEqual({ paths: [DATA, METADATA] });
  });

  it.each<[string, () => void]>([
    ['whose number is another', () => vault.on(METADATA, metadata(null, { 4: live() }, 4))],
    ['made anew under the same number', () => vault.on(METADATA, metadata(null, { 3: live('2026-11-23T00:00:00Z') }))],
    ['that was deleted', () => vault.on(METADATA, metadata(null, { 3: { ...live(), deletion_time: CREATED } }))],
    ['that was destroyed', () => vault.on(METADATA, metadata(null, { 3: { ...live(), destroyed: true } }))],
    ['of which the metadata say nothing', () => vault.on(METADATA, metadata(null))],
    ['that the token may no longer read', () => vault.on(MAY, may('deny', 'read'))],
    ['whose metadata the token may not read', () => vault.on(MAY, may('read', 'deny'))],
    ['when a proxy lets nobody ask', () => vault.on(MAY, { status: 403, text: '<html>Forbidden' })],
    ['when the question is cut', () => vault.on(MAY, resetConnection)],
    ['when the token may not ask', () => vault.on(MAY, errors(403, 'permission denied'))],
  ])('%s is read again', async (_, change) => {
    const from = provider();
    await load(from);
    change();

    expect(text(await load(from, 'current', ['3']))).toBe(KEY);
    expect(vault.requests.at(-1)).toBe(read);
  });

  it('is not asked for by a caller who has left', async () => {
    const from = provider();
    await load(from);
    const leaving = new AbortController();
    const reason = new Error('gone');
    vault.on(MAY, () => leaving.abort(reason));
    const asked = from.load(request(pauseless, { known: ['3'], signal: leaving.signal }));

    expect(await failure(asked)).toBe(reason);
    expect(vault.requests.at(-1)).toBe(`POST ${MAY}`);
  });

  it('by its number alone, from another provider, is read', async () => {
    expect(text(await load(provider(), 'current', ['3']))).toBe(KEY);
  });

  it('whose permission was withdrawn is denied', async () => {
    const from = provider();
    await load(from);
    vault.on(MAY, may('deny', 'read'));
    vault.on(DATA, errors(403, 'permission denied'));

    expect(await failure(load(from, 'current', ['3']))).toMatchObject({
      name: 'KeyAccessDeniedError',
      retryable: false,
    });
  });
});

describe('what Vault said of the key', () => {
  const row = (error: unknown): unknown => {
    const { name, code, retryable } = error as Record<string, unknown>;
    return `${String(name)} ${String(code)} ${retryable === true ? 'retryable' : 'final'}`;
  };
  const [missing, denied, provided] = [
    'KeyNotFoundError ERR_GOLDKEY_NOT_FOUND final',
    'KeyAccessDeniedError ERR_GOLDKEY_ACCESS_DENIED final',
    'KeyProviderError ERR_GOLDKEY_PROVIDER retryable',
  ];

  it.each<[string, Reply, string, RegExp]>([
    ['404, nothing there', ABSENT, missing, /Vault has no key for the secret secret\/gold\/api; check `path`/],
    ['404, no such mount', errors(404, 'no handler for route'), missing, /Vault has no key/],
    [
      '404, deleted',
      gone({ deletion_time: CREATED }),
      missing,
      /In Vault version 3 of secret\/gold\/api was deleted; undel/,
    ],
    ['404, destroyed', gone({ destroyed: true }), missing, /was deleted for good \(destroyed\); write a new version/],
    ['404 of a proxy', { status: 404, body: { message: KEY } }, provided, /is not from Vault's KV secrets engine/],
    ['404, a page', { status: 404, text: `<html>${KEY}` }, provided, /a body that is not its JSON/],
    [
      '200 of KV version 1',
      { status: 200, body: { data: { key: KEY } } },
      provided.replace('retryable', 'final'),
      /version 2/,
    ],
    ['200 of something else', { status: 200, body: { key: KEY } }, provided, /is not from Vault's KV secrets engine/],
    ['400', errors(400, `bad ${KEY}`), provided, /status 400/],
    ['403', errors(403, 'permission denied'), denied, /check that the token is still valid/],
    ['412, behind', errors(412, 'required index state not present'), provided, /has not caught up/],
    ['429', errors(429, 'request path rate limit quota exceeded'), provided, /a rate limit is used up/],
    ['472', errors(472), provided, /disaster recovery/],
    ['473', errors(473), provided, /performance standby/],
    ['500', errors(500, 'internal error'), provided, /the server failed/],
    ['501', errors(501), provided, /has not been initialised/],
    ['502', { status: 502, text: '<html>Bad gateway' }, provided, /status 502/],
    ['503, sealed', errors(503, 'Vault is sealed'), provided, /it is sealed; unseal it/],
    ['503, standby', errors(503, 'node not active but active cluster node not found'), provided, /is a standby/],
    ['307 to the active node', { status: 307, headers: { location: 'https://a.example' } }, provided, /a redirect/],
    ['a cut connection', resetConnection, provided, /cut the connection/],
  ])('%s', async (_, reply, expected, message) => {
    vault.on(DATA, reply);
    const error = await failure(load(provider()));

    expect(row(error)).toBe(expected);
    expect(error).toMatchObject({ provider: 'vault', message: expect.stringMatching(message) });
    for (const hidden of [KEY, TOKEN]) assertNoSecret(error, hidden);
  });

  it('metadata that are not Vault’s are an outage', async () => {
    vault.on(METADATA, { status: 404, body: { message: 'nothing' } });

    expect(await failure(load(provider({ stages: { current: 'live' } })))).toMatchObject({
      name: 'KeyProviderError',
      retryable: true,
    });
  });

  it('a provider shows neither its token nor a key', async () => {
    vault.on(DATA, secret({ key: KEY }));
    const from = provider();
    await load(from);

    for (const hidden of [KEY, TOKEN]) assertNoSecret(from, hidden);
  });
});
