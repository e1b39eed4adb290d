// A rotation by the clock, as a Lambda that EventBridge calls every hour (`rate(1 hour)`), or from cron with
// `node rotation-schedule.mjs`. Each run takes the one step that is due and no more: mint and stage a key when the
// current one is 60 days old, 10 %, 50 %, promote, retire. It stops, and fails, when clients have left the canary.
//
//   RING_FILE, MASTER_KEY_FILE   where the ring and the master key are
//   VENDOR_URL                   where keys can be minted
//
// A long-lived service does the same by itself: rotation.schedule({ every: 3_600_000, maxAge, signal }).
import { fileURLToPath } from 'node:url';
import { localCipher } from 'goldkey/local';
import { fileRing, KeyRotationManager } from 'goldkey/rotation';

const DAY = 24 * 60 * 60 * 1000;

const rotation = new KeyRotationManager({
  ring: fileRing(process.env.RING_FILE ?? './gold.ring.json'),
  name: 'gold',
  cipher: localCipher({
    masterKeyFile: process.env.MASTER_KEY_FILE ?? './master.key',
    encryptionContext: { service: 'gold-data-stream' },
  }),
  // The same rotationId must give the same key: a run that died after minting asks again.
  async generate({ rotationId, signal }) {
    const answer = await fetch(`${process.env.VENDOR_URL}/keys/${rotationId}`, { method: 'PUT', signal });
    if (!answer.ok) throw new Error(`The vendor did not mint a key (HTTP ${answer.status}).`);
    const { key } = /** @type {{ key: string }} */ (await answer.json());
    return { key, metadata: { minted_by: 'rotation-schedule' } };
  },
});

export async function handler() {
  const { current, nextStep } = await rotation.rotate({ maxAge: 60 * DAY, canary: [10, 50], dwell: DAY / 24 });
  return { current, nextStep };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await handler());
