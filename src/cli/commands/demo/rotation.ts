import { join } from 'node:path';
import { GoldDataClient, isGoldKeyError } from '../../../core/index.js';
import { metalsApi } from '../../../prices/index.js';
import { fileRing, fromKeyRing, KeyRotationManager } from '../../../rotation/index.js';
import { startFakePriceApi } from '../../../testing/fake-price-api/server.js';
import { inventKey, type Stage } from './stage.js';
import type { Teller } from './narrator.js';
import { probeOf } from '../../options/probe.js';

const CLIENTS = 20;
const SHARE = 25;
const SIX_MINUTES = 6 * 60_000;
const OVERLAP = 24 * 3_600_000;

/** The same change of keys, planned: two live keys, a trial, no refusal at all. */
export async function rotation({ folder, cipher, clock, keys }: Stage, teller: Teller): Promise<void> {
  await using api = await startFakePriceApi();
  const ring = fileRing(join(folder, 'gold.ring.json'));
  const served = new Map<string, number>();
  const prices = metalsApi({ baseUrl: api.url });
  const clients = Array.from(
    { length: CLIENTS },
    (_, index) =>
      new GoldDataClient({
        ...prices,
        keyProvider: fromKeyRing({ ring, name: 'gold', cipher }),
        clock,
        instanceId: `host-${String(index)}`,
        async fetchPrice(query: string, context) {
          const quote = await prices.fetchPrice(query, context);
          served.set(context.version, (served.get(context.version) ?? 0) + 1);
          return quote;
        },
        fetchPrices: undefined,
      }),
  );
  const newKey = (): string => {
    const key = inventKey();
    keys.push(key);
    return key;
  };
  let failed = 0;
  /** Six minutes later, when every key held has expired, every client asks for a price. */
  const round = async (): Promise<void> => {
    await clock.advance(SIX_MINUTES);
    await Promise.all(clients.map((client) => client.getPrice('XAU').catch(() => failed++)));
  };
  const using = (version: string): number => clients.filter((client) => client.status().version === version).length;

  const manager = new KeyRotationManager({
    ring,
    name: 'gold',
    cipher,
    clock,
    probe: await probeOf({ apiUrl: api.url }),
  });

  try {
    const first = newKey();
    api.accept(first);
    await manager.init(first);
    await round();

    const refusal = await manager.stage(newKey()).catch((error: unknown) => error);
    const bad = (await manager.status()).versions.find(({ version }) => version === 'v2')?.state ?? 'not there';
    teller.scene(
      'Bad key',
      `A ring with v1, ${String(CLIENTS)} clients. v2 is staged, and the price API refuses it: ${bad}, and no client saw it.`,
    );
    teller.holds('what staging a bad key says', true, isGoldKeyError(refusal, 'ERR_GOLDKEY_ROTATION'));
    teller.holds('state of a bad key', 'rejected', bad);

    const second = newKey();
    api.accept(second);
    await manager.stage(second);
    await manager.canary(SHARE);
    await round();
    const trying = using('v3');
    await manager.promote({ overlap: OVERLAP });
    await round();
    const moved = using('v3');
    await clock.advance(OVERLAP);
    api.revoke(first);
    await manager.retire();
    await round();
    const refused = api.calls.filter(({ key }) => key === 'revoked').length;
    const calls = [...served].map(([version, count]) => `${version} ${String(count)}`).join(', ');
    teller.scene(
      'Two keys',
      `v3 is staged beside v1 and tried by ${String(trying)} of ${String(CLIENTS)} clients, promoted (${String(moved)} of ${String(CLIENTS)} use it), and a day`,
      `later v1 is revoked and retired. Prices by key: ${calls}; refused ${String(refused)}, failed ${String(failed)}.`,
    );
    teller.holds('a share of the clients tries the staged key', true, trying > 0 && trying < CLIENTS);
    teller.holds('clients with the new key after the promotion', CLIENTS, moved);
    teller.holds(
      'prices served during the rotation',
      4 * CLIENTS,
      [...served.values()].reduce((sum, count) => sum + count, 0),
    );
    teller.holds('calls that failed during the rotation', 0, failed);
    teller.holds('calls with the revoked key', 0, refused);
    const { current, versions } = await manager.status();
    teller.holds(
      'the ring afterwards',
      'v3: retired rejected current',
      `${current}: ${versions.map(({ state }) => state).join(' ')}`,
    );
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}
