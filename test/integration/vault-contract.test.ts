import { afterAll, describe, expect, it } from 'vitest';
import { keyProviderContract } from '../../src/testing/index.js';
import { fromVault, fromVaultTransit, transitCipher, type VaultAuth } from '../../src/providers/vault/index.js';
import { gateTo } from '../servers/gate.js';
import { orSkip } from '../servers/or-skip.js';
import { startVault, type Vault } from '../servers/vault.js';

const found = await orSkip(startVault);

describe.skipIf(found.skipped !== undefined)(`the contract on HashiCorp Vault ${found.skipped ?? ''}`, () => {
  const vault = found.server as Vault;
  const runner = { describe, it, expect };
  let fixtures = 0;

  afterAll(() => vault[Symbol.asyncDispose]());

  /** A token that may use `rules` until `deny`, and a way to Vault that `stop` shuts. */
  async function reader(rules: (name: string) => string) {
    const name = `gold-${String(++fixtures)}`;
    const policy = (text: string): Promise<unknown> =>
      vault.request('PUT', `sys/policies/acl/${name}`, { policy: text });
    await policy(rules(name));
    const { body } = await vault.request('POST', 'auth/token/create', { policies: [name] });
    const { auth: granted } = body as { auth: { client_token: string } };
    const gate = await gateTo(vault.url);
    const auth: VaultAuth = { method: 'token', token: granted.client_token };
    return {
      name,
      connection: { address: gate.url, auth },
      deny: async () => void (await policy(rules(name).replaceAll(/\["\w+"\]/g, '["deny"]'))),
      stop: () => gate.shut(),
    };
  }

  keyProviderContract(
    'fromVault',
    async (key) => {
      const { name, connection, deny, stop } = await reader(
        (path) => `path "secret/data/${path}" { capabilities = ["read"] }
                   path "secret/metadata/${path}" { capabilities = ["read"] }`,
      );
      const put = async (value: string): Promise<void> =>
        void (await vault.request('POST', `secret/data/${name}`, { data: { key: value } }));
      await put(key);
      const provider = fromVault({ ...connection, path: name });
      const cleanUp = async (): Promise<void> => {
        await provider.close?.();
        await stop();
      };
      return { provider, rotate: put, deny, stop, cleanUp };
    },
    runner,
  );

  keyProviderContract(
    'fromVaultTransit',
    async (key) => {
      const { name, connection, deny, stop } = await reader(
        (keyName) => `path "transit/decrypt/${keyName}" { capabilities = ["update"] }`,
      );
      await vault.request('POST', 'sys/mounts/transit', { type: 'transit' });
      await vault.request('POST', `transit/keys/${name}`, {});
      const encryptionContext = { service: 'gold-data-stream' };
      const root = { address: vault.url, auth: { method: 'token', token: vault.rootToken } } as const;
      const cipher = transitCipher({ ...root, keyName: name, encryptionContext });
      let { ciphertext } = await cipher.encrypt(key);
      const provider = fromVaultTransit({
        ...connection,
        keyName: name,
        ciphertext: () => ciphertext,
        encryptionContext,
      });
      return {
        provider,
        rotate: async (successor) => void ({ ciphertext } = await cipher.encrypt(successor)),
        deny,
        stop,
        async cleanUp() {
          await provider.close?.();
          await cipher.close?.();
          await stop();
        },
      };
    },
    runner,
  );
});
