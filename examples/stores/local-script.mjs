// A script on a host without a key service: the key is encrypted under a master-key file.
//
//   npx goldkey create-key --local --master-key ./master.key
//   npx goldkey encrypt --local --master-key ./master.key --encryption-context service=gold-data-stream > key.enc
//   node local-script.mjs XAU XAG
//
//   MASTER_KEY_FILE, CIPHERTEXT_FILE, PRICE_API_URL   optional
import { readFile } from 'node:fs/promises';
import { GoldDataClient } from 'goldkey';
import { fromLocal } from 'goldkey/local';
import { metalsApi } from 'goldkey/prices';

const gold = new GoldDataClient({
  keyProvider: fromLocal({
    masterKeyFile: process.env.MASTER_KEY_FILE ?? './master.key',
    // A function: after a rotation the new file is read, without a restart.
    ciphertext: () => readFile(process.env.CIPHERTEXT_FILE ?? './key.enc', 'utf8'),
    encryptionContext: { service: 'gold-data-stream' },
  }),
  ...metalsApi({ baseUrl: process.env.PRICE_API_URL, unit: 'gram' }),
});

try {
  const symbols = process.argv.slice(2);
  // Several symbols are one request.
  for (const { metal, price, currency, unit } of await gold.getPrices(symbols.length > 0 ? symbols : ['XAU'])) {
    console.log(`${metal} ${price.toFixed(4)} ${currency} per ${unit}`);
  }
} finally {
  await gold.close();
}
