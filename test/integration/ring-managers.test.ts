import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isGoldKeyError, type KeyCipher } from '../../src/index.js';
import { createMasterKey, localCipher } from '../../src/providers/local/index.js';
import { KeyRotationManager, type RingStore } from '../../src/rotation/index.js';
import { dynamoDbRing } from '../../src/rotation/stores/dynamodb/index.js';
import { redisRing } from '../../src/rotation/stores/redis/index.js';
import { vaultRing } from '../../src/rotation/stores/vault/index.js';
import { makeTempFolder } from '../programs/at-exit.mjs';
import { startMoto } from '../servers/moto.js';
import { orSkip } from '../servers/or-skip.js';
import { startRedis } from '../servers/redis.js';
import { startVault } from '../servers/vault.js';

const MANAGERS = 20;
const [redis, moto, vault] = [await orSkip(startRedis), await orSkip(startMoto), await orSkip(startVault)];

const stores: [string, string | undefined, () => RingStore][] = [
  ['Redis', redis.skipped, () => redisRing({ key: 'gold', url: redis.server?.url })],
  [
    'DynamoDB',
    moto.skipped,
    () =>
      dynamoDbRing({
        tableName: 'rings',
        name: 'gold',
        clientConfig: {
          endpoint: moto.server?.url,
          region: moto.server?.region,
          credentials: { accessKeyId: 'testing', secretAccessKey: 'testing' },
        },
      }),
  ],
  [
    'Vault',
    vault.skipped,
    () =>
      vaultRing({
        address: vault.server?.url,
        auth: { method: 'token', token: vault.server?.rootToken ?? '' },
        path: 'rings/gold',
      }),
  ],
];

describe('20 managers that stage different keys at once', () => {
  let folder: string;
  let cipher: KeyCipher;

  beforeAll(async () => {
    folder = makeTempFolder('goldkey-managers-');
    const masterKeyFile = join(folder, 'master.key');
    await createMasterKey(masterKeyFile);
    cipher = localCipher({ masterKeyFile, encryptionContext: { service: 'gold' } });
    await moto.server?.createRingTable('rings');
  });
  afterAll(async () => {
    await Promise.all([redis, moto, vault].map(({ server }) => server?.[Symbol.asyncDispose]()));
    await rm(folder, { recursive: true });
  });

  for (const [name, skipped, open] of stores) {
    it.skipIf(skipped !== undefined)(
      `on ${name}: one wins, 19 are told of the conflict, and none is lost ${skipped ?? ''}`,
      async () => {
        const rings = Array.from({ length: MANAGERS }, open);
        const managers = rings.map((ring) => new KeyRotationManager({ ring, name: 'gold', cipher }));
        await managers[0]?.init('the-first-key-0001');
        // Connected, so that they are at it in the same moment.
        await Promise.all(managers.map((manager) => manager.status()));

        const outcomes = await Promise.allSettled(
          managers.map((manager, index) => manager.stage(`another-key-${String(index).padStart(4, '0')}`)),
        );

        const won = outcomes.flatMap((outcome, index) => (outcome.status === 'fulfilled' ? [index] : []));
        const lost = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
        expect(won).toHaveLength(1);
        expect(lost.filter((error) => !isGoldKeyError(error, 'ERR_GOLDKEY_RING_CONFLICT'))).toEqual([]);
        const status = await managers[0]?.status();
        expect(status).toMatchObject({ revision: 2, current: 'v1', pending: 'v2' });
        // The key that is staged is the winner's: staging it again finds it done.
        await expect(
          managers[won[0] as number]?.stage(`another-key-${String(won[0]).padStart(4, '0')}`),
        ).resolves.toEqual({ version: 'v2' });
        await Promise.all(rings.map((ring) => ring.close?.()));
      },
    );
  }
});
