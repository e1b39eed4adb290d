import { join } from 'node:path';
import { GoldDataClient, type KeyCipher } from '../../../core/index.js';
import { metalsApi } from '../../../prices/index.js';
import { fileRing, fromKeyRing, KeyRotationManager } from '../../../rotation/index.js';
import { startFakePriceApi } from '../../../testing/fake-price-api/server.js';
import type { ManualClock } from '../../../testing/manual-clock.js';
import { createProbe } from '../../options/price-api.js';
import type { Narrator } from './narrator.js';

const CLIENTS = 20;
const CANARY_PERCENT = 25;
const SIX_MINUTES = 6 * 60_000;
const OVERLAP = 24 * 3_600_000;

interface Parts {
  readonly folder: string;
  readonly cipher: KeyCipher;
  readonly clock: ManualClock;
  inventKey(): string;
}

/** Replaces a key by plan, with a ring: two live keys, a canary, and no refused call. */
export async function rotateRing({ folder, cipher, clock, inventKey }: Parts, narrator: Narrator): Promise<void> {
  await using api = await startFakePriceApi();
  const ring = fileRing(join(folder, 'gold.ring.json'));
  const probe = await createProbe({ env: {} }, { apiUrl: api.url });
  const manager = new KeyRotationManager({ ring, name: 'gold', cipher, clock, probe });
  /** The version that served each price. */
  const served: string[] = [];
  const prices = metalsApi({ baseUrl: api.url });
  const clients = Array.from({ length: CLIENTS }, (_, index) => {
    const keyProvider = fromKeyRing({ ring, name: 'gold', cipher });
    return new GoldDataClient({ ...prices, keyProvider, clock, instanceId: `host-${String(index)}` });
  });
  let failed = 0;
  /** Asks for a price with every client, six minutes later, when every cached key has expired. */
  const runRound = async (): Promise<void> => {
    await clock.advance(SIX_MINUTES);
    await Promise.all(
      clients.map((client) =>
        client.getPrice('XAU').then(
          () => served.push(String(client.status().version)),
          () => failed++,
        ),
      ),
    );
  };
  const countUsers = (version: string): number =>
    clients.filter((client) => client.status().version === version).length;

  try {
    const first = inventKey();
    api.accept(first);
    await manager.init(first);
    await runRound();

    // Rejects, because the price API refuses the key; the state of v2 tells so.
    await manager.stage(inventKey()).catch(() => undefined);
    const bad = (await manager.status()).versions.find(({ version }) => version === 'v2')?.state ?? 'not there';
    narrator.scene(
      'Bad key',
      `A ring with v1, ${String(CLIENTS)} clients. v2 is staged, and the price API refuses it: ${bad}, and no client saw it.`,
    );

    const second = inventKey();
    api.accept(second);
    await manager.stage(second);
    await manager.canary(CANARY_PERCENT);
    await runRound();
    const trying = countUsers('v3');
    await manager.promote({ overlap: OVERLAP });
    await runRound();
    const promoted = countUsers('v3');
    await clock.advance(OVERLAP);
    api.revoke(first);
    await manager.retire();
    await runRound();
    const refused = api.calls.filter(({ key }) => key === 'revoked').length;
    const [old = 0, replaced = 0] = ['v1', 'v3'].map((version) => served.filter((each) => each === version).length);
    narrator.scene(
      'Two keys',
      `v3 is staged beside v1 and tried by ${String(trying)} of ${String(CLIENTS)} clients, promoted (${String(promoted)} of ${String(CLIENTS)} use it), and a day`,
      `later v1 is revoked and retired. Prices by key: v1 ${String(old)}, v3 ${String(replaced)}; refused ${String(refused)}, failed ${String(failed)}.`,
    );
    const { current, versions } = await manager.status();
    narrator.check({
      'a canary tries the new key': [true, trying > 0 && trying < CLIENTS],
      'clients with the new key': [CLIENTS, promoted],
      'prices by both keys': [4 * CLIENTS, old + replaced],
      'failed calls': [0, failed],
      'calls with the revoked key': [0, refused],
      'ring at the end': [
        'v3: retired rejected current',
        `${current}: ${versions.map(({ state }) => state).join(' ')}`,
      ],
    });
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}
