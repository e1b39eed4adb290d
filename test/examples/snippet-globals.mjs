// What the snippets of the README and the guides take for granted, for the processes that run them. Their types are in
// test/package/snippets.test.ts.
import { GoldDataClient } from 'goldkey';
import { kmsCipher } from 'goldkey/kms';
import { localCipher } from 'goldkey/local';
import { metalsApi } from 'goldkey/prices';
import { memoryKeyProvider } from 'goldkey/testing';

const { SNIPPET_KEY: key, SECOND_KEY: newKey, MASTER_KEY_FILE: masterKeyFile, metalsApi_URL: baseUrl } = process.env;
// They stand for stores that encrypt: a chain takes no other as its second.
const store = () => ({ ...memoryKeyProvider({ current: key }), plaintextAtRest: false });

Object.assign(globalThis, {
  apiKey: key,
  newKey,
  keyProvider: store(),
  firstStore: store(),
  secondStore: store(),
  gold: new GoldDataClient({ keyProvider: store(), ...metalsApi({ baseUrl }) }),
  cipher: localCipher({ masterKeyFile, encryptionContext: { service: 'gold-data-stream' } }),
  fetchPrice: async () => 2_100,
  callWith: async () => undefined,
  tryPriceApi: async () => undefined,
  async ciphertextOf(tenant) {
    const cipher = kmsCipher({ keyId: 'alias/gold-api-keys', encryptionContext: { tenant } });
    const { ciphertext } = await cipher.encrypt(key);
    await cipher.close?.();
    return ciphertext;
  },
  pino: (options) => options,
});

const platformFetch = globalThis.fetch;
globalThis.fetch = async (resource, init) => {
  const url = resource instanceof Request ? resource.url : String(resource);
  if (!url.startsWith('https://api.example/')) return platformFetch(resource, init);
  return Response.json({ price: 2_199.5 });
};
