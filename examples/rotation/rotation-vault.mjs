// A rotation with keys that you mint yourself, for an API of your own. A random key is kept in Vault with its metadata and
// registered at the API; the ring in Vault gets it, and a client fetches a price with it.
//
//   VAULT_ADDR, VAULT_TOKEN          as for the vault command
//   REGISTER_URL                     where the API learns of a new key: PUT { key }
//   NOTIFY_URL                       where a change is announced: POST { ring, step, version, revision }
//   MASTER_KEY_FILE, PRICE_API_URL   as in rotation.mjs
import { randomBytes } from 'node:crypto';
import { GoldDataClient } from 'goldkey';
import { localCipher } from 'goldkey/local';
import { metalsApi } from 'goldkey/prices';
import { fromKeyRing, KeyRotationManager } from 'goldkey/rotation';
import { vaultRing } from 'goldkey/rotation/vault';

async function send(url, method, body, { signal, headers } = /** @type {RequestInit} */ ({})) {
  const init = { method, headers, signal, ...(body !== undefined && { body: JSON.stringify(body) }) };
  const answer = await fetch(url, init);
  const text = await answer.text();
  return { ok: answer.ok, status: answer.status, body: text === '' ? undefined : JSON.parse(text) };
}

async function vault(method, path, body, signal) {
  const headers = { 'x-vault-token': process.env.VAULT_TOKEN, 'x-vault-request': 'true' };
  return send(`${process.env.VAULT_ADDR}/v1/secret/${path}`, method, body, { signal, headers });
}

/** Mints one key per rotation: a run that died in between finds the key that it had minted. */
async function generate({ rotationId, signal }) {
  const path = `minted/${encodeURIComponent(rotationId)}`;
  const data = { key: `gold-${randomBytes(24).toString('base64url')}` };
  // cas 0: write only if there is nothing yet. A 400 means that there is a key already.
  const made = await vault('POST', `data/${path}`, { options: { cas: 0 }, data }, signal);
  if (!made.ok && made.status !== 400) throw new Error(`Vault refused the new key (HTTP ${made.status}).`);
  const kept = await vault('GET', `data/${path}`, undefined, signal);
  const { key } = kept.body.data.data;
  const metadata = {
    created_at: kept.body.data.metadata.created_time,
    rotated_by: 'rotation-vault',
    rotation_id: rotationId,
  };
  await vault('POST', `metadata/${path}`, { custom_metadata: metadata }, signal);
  const registered = await send(process.env.REGISTER_URL, 'PUT', { key }, { signal });
  if (!registered.ok) throw new Error(`The API refused the new key (HTTP ${registered.status}).`);
  return { key, metadata };
}

const ring = vaultRing({ path: 'rings/gold' });
const cipher = localCipher({
  masterKeyFile: process.env.MASTER_KEY_FILE ?? './master.key',
  encryptionContext: { service: 'gold-data-stream' },
});
const rotation = new KeyRotationManager({
  ring,
  name: 'gold',
  cipher,
  generate,
  notify: [
    async (change) => {
      const told = await send(process.env.NOTIFY_URL, 'POST', change);
      if (!told.ok) throw new Error(`The announcement was refused (HTTP ${told.status}).`);
    },
  ],
});

try {
  if ((await ring.read()) === undefined) await rotation.init();
  else {
    await rotation.stage();
    await rotation.promote();
  }
  const keyProvider = fromKeyRing({ ring, name: 'gold', cipher });
  const gold = new GoldDataClient({ keyProvider, ...metalsApi({ baseUrl: process.env.PRICE_API_URL }) });
  const { price } = await gold.getPrice('XAU');
  console.log(`XAU ${price.toFixed(2)} with ${gold.status().version}`);
  await gold.close();
} finally {
  await ring.close();
}
