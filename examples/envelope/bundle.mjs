// Encrypts many keys into one message, and asks for a price with one of them. `goldkey encrypt --envelope` does the first
// half.
//
//   MASTER_KEY_FILE   default ./master.key, made by `goldkey create-key --local --master-key ./master.key`
//   GOLD_API_KEY      the API key
//   PRICE_API_URL     optional
import { GoldDataClient } from 'goldkey';
import { envelope, fromEnvelope } from 'goldkey/envelope';
import { localCipher } from 'goldkey/local';
import { metalsApi } from 'goldkey/prices';

const cipher = localCipher({
  masterKeyFile: process.env.MASTER_KEY_FILE ?? './master.key',
  encryptionContext: { service: 'gold-data-stream' },
});
// Room for 300 tenants: one ciphertext of KMS takes 4,096 bytes.
const keys = Object.fromEntries(
  Array.from({ length: 300 }, (_, tenant) => [`tenant-${tenant}`, process.env.GOLD_API_KEY]),
);
const message = await envelope({ cipher }).encrypt(JSON.stringify(keys));

const gold = new GoldDataClient({
  keyProvider: fromEnvelope({ message, cipher, field: 'tenant-42' }),
  ...metalsApi({ baseUrl: process.env.PRICE_API_URL }),
});
try {
  const { metal, price } = await gold.getPrice('XAU');
  console.log(metal, price.toFixed(2), 'with a key out of', Object.keys(keys).length);
} finally {
  await gold.close();
}
