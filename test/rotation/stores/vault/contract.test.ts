import { afterAll, expect, it } from 'vitest';
import { vaultRing } from '../../../../src/rotation/stores/vault/index.js';
import { send } from '../../../../src/testing/http/loopback-server.js';
import { vaultLike, type Reply } from '../../../providers/vault/vault-like.js';
import { ringStoreContract } from '../ring-contract.js';
import { sampleRing } from '../sample-ring.js';

const vault = await vaultLike();
afterAll(() => vault[Symbol.asyncDispose]());

let rings = 0;

/** A secret of KV v2 in memory, as Vault answers for it. */
function kvSecret(): {
  reply: Reply;
  write(document: string): void;
  read(): string | undefined;
  deleteSoftly(): void;
} {
  let version = 0;
  let data: { document?: string } | undefined;
  const put = (next: typeof data): void => {
    version++;
    data = next;
  };
  const answer = (cas: unknown, written: typeof data): readonly [status: number, body: object] => {
    if (written === undefined) {
      const metadata = { version, created_time: '2026-11-01T00:00:00Z', deletion_time: '', destroyed: false };
      if (version === 0) return [404, { errors: [] }];
      return [data === undefined ? 404 : 200, { data: { data: data ?? null, metadata } }];
    }
    if (cas !== version) {
      return [400, { errors: ['check-and-set parameter did not match the current version'] }];
    }
    put(written);
    return [200, { data: { version } }];
  };
  return {
    reply(response, { body }) {
      const { options, data: written } = (body ?? {}) as { options?: { cas: number }; data?: typeof data };
      const [status, json] = answer(options?.cas, written);
      send(response, status, {}, JSON.stringify(json));
    },
    write: (document) => put({ document }),
    read: () => data?.document,
    deleteSoftly() {
      data = undefined;
    },
  };
}

const open = (path: string): ReturnType<typeof vaultRing> =>
  vaultRing({ address: vault.url, auth: { method: 'token', token: 'hvs.invented-token' }, path });

it('a ring that was deleted softly is none, and can be made again', async () => {
  const secret = kvSecret();
  vault.on('secret/data/rings/deleted', secret.reply);
  const store = open('rings/deleted');
  await store.write(sampleRing(1), { revision: 0 });
  secret.deleteSoftly();

  const gone = await store.read();
  await store.write(sampleRing(1), { revision: 0 });

  expect(gone).toBeUndefined();
  expect((await store.read())?.ring.revision).toBe(1);
  await store.close?.();
});

ringStoreContract('vaultRing on a secret in memory', async () => {
  const path = `rings/gold-${String(++rings)}`;
  const secret = kvSecret();
  vault.on(`secret/data/${path}`, secret.reply);
  vault.on(`secret/data/${path}.lease`, kvSecret().reply);
  return {
    open: () => open(path),
    async spoil(text) {
      secret.write(text);
    },
    stored: async () => secret.read(),
  };
});
