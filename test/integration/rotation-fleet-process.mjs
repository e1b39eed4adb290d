// One process of a fleet whose clients report which key they use. Told by its arguments: the ring (a file or a Redis), the
// master-key file, its instance, when its clock starts, and a version that it is stuck on, if any. Each line on stdin moves its
// clock by so many ms and makes a call; the line that it prints is the version that served the call.
import { createInterface } from 'node:readline';
import { KeyedClient } from 'goldkey';
import { localCipher } from 'goldkey/local';
import { fileRing, fromKeyRing } from 'goldkey/rotation';
import { redisRing } from 'goldkey/rotation/redis';
import { manualClock } from 'goldkey/testing';

const [place, masterKeyFile, instanceId, startsAt, stuckOn] = process.argv.slice(2);
const clock = manualClock(Number(startsAt));
const client = new KeyedClient({
  keyProvider: fromKeyRing({
    ring: place.startsWith('redis:') ? redisRing({ key: 'fleet', url: place }) : fileRing(place),
    name: 'fleet',
    cipher: localCipher({ masterKeyFile, encryptionContext: { service: 'fleet' } }),
    reportUse: true,
    pinnedVersion: stuckOn,
  }),
  clock,
  instanceId,
});

for await (const line of createInterface(process.stdin)) {
  await clock.advance(Number(line));
  console.log(await client.withKey(async ({ version }) => version));
}
await client.close();
