import { afterAll } from 'vitest';
import { vaultRing } from '../../../../src/rotation/stores/vault/index.js';
import { send } from '../../../../src/testing/http/loopback-server.js';
import { vaultLike, type Reply } from '../../../providers/vault/vault-like.js';
import { ringStoreContract } from '../ring-contract.js';

const vault = await vaultLike();
afterAll(() => vault[Symbol.asyncDispose]());

let rings = 0;

/** A secret of KV v2 in memory, as Vault answers for it. */
function kvSecret(): { reply: Reply; write(document: string): void; read(): string | undefined } {
  let version = 0;
  let data: { document?: string } | undefined;
  const put = (next: typeof data): void => {
    version++;
    data = next;
  };
  const answer = (cas: unknown, written: typeof data): readonly [status: number, body: object] => {
    if (written === undefined) {
      const metadata = { version, created_time: '2026-11-01T00:00:00Z', deletion_time: '', destroyed: false };
      return data === undefined ? [404, { errors: [] }] : [200, { data: { data, metadata } }];
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
  };
}

ringStoreContract('vaultRing on a secret in memory', async () => {
  const path = `rings/gold-${String(++rings)}`;
  const secret = kvSecret();
  vault.on(`secret/data/${path}`, secret.reply);
  vault.on(`secret/data/${path}.lease`, kvSecret().reply);
  return {
    open: () => vaultRing({ address: vault.url, auth: { method: 'token', token: 'hvs.invented-token' }, path }),
    async spoil(text) {
      secret.write(text);
    },
    stored: async () => secret.read(),
  };
});
