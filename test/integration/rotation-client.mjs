// One process of a fleet: asks for prices, twenty a second, and says of each which key served it. Told by its arguments:
// store, its address, master-key file, price API, and for how long.
import { setTimeout as sleep } from 'node:timers/promises';
import { GoldDataClient } from 'goldkey';
import { localCipher } from 'goldkey/local';
import { metalsApi } from 'goldkey/prices';
import { fromKeyRing } from 'goldkey/rotation';

const [store, address, masterKeyFile, baseUrl, instanceId, forMs] = process.argv.slice(2);

async function ringOf() {
  if (store === 'redis') {
    const { redisRing } = await import('goldkey/rotation/redis');
    return redisRing({ key: 'gold', url: address });
  }
  const { dynamoDbRing } = await import('goldkey/rotation/dynamodb');
  return dynamoDbRing({ tableName: 'goldkey', name: 'gold', clientConfig: { endpoint: address } });
}

const gold = new GoldDataClient({
  keyProvider: fromKeyRing({
    ring: await ringOf(),
    name: 'gold',
    cipher: localCipher({ masterKeyFile, encryptionContext: { service: 'gold' } }),
  }),
  instanceId,
  // Redis tells of changes; elsewhere a client hears of them as its keys expire.
  ...(store === 'redis' ? {} : { ttl: 4_000 }),
  ...metalsApi({ baseUrl }),
});

const until = Date.now() + Number(forMs);
const pending = [];
while (Date.now() < until) {
  const startedAt = Date.now();
  const call = gold.getPrice('XAU').then(
    () => ({ at: startedAt, version: gold.status().version }),
    (error) => ({ at: startedAt, failed: `${error.name}: ${error.message}` }),
  );
  pending.push(call.then((said) => process.stdout.write(`${JSON.stringify(said)}\n`)));
  await sleep(50);
}
await Promise.all(pending);
await gold.close();
