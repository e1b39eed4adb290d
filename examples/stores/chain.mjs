// Two regions and an emergency key. The second region is asked while the first is down; the emergency key only while an
// operator has broken its seal, for an hour at most: touch /run/break-glass/gold
//
//   GOLD_API_KEY_CIPHERTEXT   under a multi-Region key of KMS
//   EMERGENCY_KEY_FILE        default /run/secrets/emergency-gold-api-key
//   SEAL_FILE                 default /run/break-glass/gold
//   PRICE_API_URL             optional
import { GoldDataClient } from 'goldkey';
import { fromBreakGlass, fromChain } from 'goldkey/chain';
import { fromFile } from 'goldkey/file';
import { fromKms } from 'goldkey/kms';
import { metalsApi } from 'goldkey/prices';

const region = (name) =>
  fromKms({
    ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
    encryptionContext: { service: 'gold-data-stream', environment: 'production' },
    keyId: 'alias/gold-api-keys',
    region: name,
  });
const emergency = fromBreakGlass({
  provider: fromFile({ path: process.env.EMERGENCY_KEY_FILE ?? '/run/secrets/emergency-gold-api-key' }),
  enabledBy: process.env.SEAL_FILE ?? '/run/break-glass/gold',
  maxDuration: 3_600_000,
});

const gold = new GoldDataClient({
  keyProvider: fromChain([region('eu-central-1'), region('eu-west-1'), emergency]),
  ...metalsApi({ baseUrl: process.env.PRICE_API_URL }),
});
gold.on('break-glass', ({ severity, until }) => {
  console.error(`${severity}: the emergency key is in use, until ${new Date(until).toISOString()} at the latest`);
});

try {
  const { metal, price, currency } = await gold.getPrice('XAU');
  console.log(`${metal} ${price.toFixed(2)} ${currency}`);
} finally {
  await gold.close();
}
