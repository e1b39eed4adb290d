import { afterAll, describe, expect, it } from 'vitest';
import { vaultRing } from '../../src/rotation/stores/vault/index.js';
import { ringStoreContract } from '../rotation/stores/ring-contract.js';
import { failure, write } from '../rotation/stores/ring-places.js';
import { sampleRing } from '../rotation/stores/sample-ring.js';
import { orSkip } from '../servers/or-skip.js';
import { startVault, type Vault } from '../servers/vault.js';

const found = await orSkip(startVault);

describe.skipIf(found.skipped !== undefined)(`a ring in HashiCorp Vault ${found.skipped ?? ''}`, () => {
  const vault = found.server as Vault;
  let rings = 0;
  const open = (path: string) =>
    vaultRing({ address: vault.url, auth: { method: 'token', token: vault.rootToken }, path });

  afterAll(() => vault[Symbol.asyncDispose]());

  ringStoreContract('vaultRing', () => {
    const path = `rings/gold-${String(++rings)}`;
    return Promise.resolve({
      open: () => open(path),
      async spoil(text: string) {
        await vault.request('POST', `secret/data/${path}`, { data: { document: text } });
      },
      async stored() {
        const { status, body } = await vault.request('GET', `secret/data/${path}`);
        return status === 404 ? undefined : (body as { data: { data: { document: string } } }).data.data.document;
      },
    });
  });

  it('a ring that was deleted softly is none, and can be made again', async () => {
    const path = `rings/gold-${String(++rings)}`;
    const store = open(path);
    await write(store, sampleRing(1));
    await vault.request('DELETE', `secret/data/${path}`);

    const gone = await store.read();
    await store.write(sampleRing(1), { revision: 0 });

    expect(gone).toBeUndefined();
    expect((await store.read())?.ring.revision).toBe(1);
  });

  it('a mount of KV version 1 is told as such', async () => {
    await vault.request('POST', 'sys/mounts/kv1', { type: 'kv', options: { version: '1' } });
    const store = vaultRing({
      address: vault.url,
      auth: { method: 'token', token: vault.rootToken },
      mount: 'kv1',
      path: 'gold',
    });
    await vault.request('POST', 'kv1/data/gold', { a: 'ring' });

    const error = await failure(store.read());

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: false });
    expect(String(error)).toContain('KV secrets engine of version 2');
  });

  it('a token that may not read is denied, and never shown', async () => {
    const store = vaultRing({
      address: vault.url,
      auth: { method: 'token', token: 'hvs.no-such-token' },
      path: 'rings/gold',
    });

    const error = await failure(store.read());

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED', retryable: false });
    expect(String(error)).not.toContain('no-such-token');
  });
});
