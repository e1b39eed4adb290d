import { describe, expect, it } from 'vitest';
import { GoldDataClient, type KeyCipher } from '../../src/index.js';
import { fileRing, fromKeyRing, type KeyRotationManager } from '../../src/rotation/index.js';
import { PriceDesk } from '../core/helpers.js';
import { DAY, HOUR, NAME, ringScene, type RingScene } from './scene.js';

const OLD = 'old-key-0123456789';
const NEW = 'new-key-9876543210';
const CLIENTS = 20;
const CALLS = 10_000;

interface Report {
  failed: string[];
  served: Map<string, number>;
  loads: number;
  decryptions: number;
  repairs: number;
}

/** Whose turn a call is: spread over the clients without a pattern, the same in every run. */
const turnOf = (call: number): number => Math.imul(call + 1, 0x9e3779b1) >>> 27;

/** A day of price calls, and one more by each client after `after`; `at` says what happens before which call. */
async function day(
  scene: RingScene,
  desk: PriceDesk,
  at: ReadonlyMap<number, () => Promise<void>>,
  after: () => Promise<void>,
): Promise<Report> {
  let decryptions = 0;
  const counted: KeyCipher = {
    ...scene.cipher,
    decrypt(...args) {
      decryptions++;
      return scene.cipher.decrypt(...args);
    },
  };
  const served = new Map<string, number>();
  const clients = Array.from(
    { length: CLIENTS },
    (_, index) =>
      new GoldDataClient({
        keyProvider: fromKeyRing({ ring: fileRing(scene.path), name: NAME, cipher: counted }),
        clock: scene.clock,
        instanceId: `host-${String(index)}`,
        async fetchPrice(symbol: string, context) {
          const price = await desk.fetchPrice(symbol, context);
          served.set(context.version, (served.get(context.version) ?? 0) + 1);
          return price;
        },
      }),
  );
  const failed: string[] = [];
  const ask = async (call: number, client: (typeof clients)[number] | undefined): Promise<void> => {
    await client?.getPrice('XAU').catch((error: unknown) => failed.push(`${String(call)}: ${String(error)}`));
  };
  for (let call = 0; call < CALLS; call++) {
    await at.get(call)?.();
    await ask(call, clients[turnOf(call) % CLIENTS]);
    if (call % 10 === 9) await scene.clock.advance(Math.round((10 * DAY) / CALLS));
  }
  await after();
  for (const client of clients) await ask(CALLS, client);
  const counts = clients.map((client) => client.status().counts);
  await Promise.all(clients.map((client) => client.close()));
  const sum = (name: 'loads' | 'repairs'): number => counts.reduce((total, each) => total + each[name], 0);
  return { failed, served, decryptions, loads: sum('loads'), repairs: sum('repairs') };
}

const callAt = (hour: number): number => Math.round((hour * HOUR * CALLS) / DAY);

function told({ served, loads, decryptions, repairs }: Report, desk: PriceDesk): void {
  const counts = `loads ${String(loads)}, decryptions ${String(decryptions)}, repairs ${String(repairs)}`;
  console.info(`calls served by version: ${JSON.stringify([...served])}, ${counts}, refusals ${String(desk.refusals)}`);
}

/** A key staged at four o'clock, tried by a tenth of the clients, promoted at eight. */
function rotation(manager: KeyRotationManager, desk: PriceDesk, promoted = (): void => undefined) {
  return [
    [
      callAt(4),
      async () => {
        desk.live.add(NEW);
        await manager.stage(NEW);
        await manager.canary(10);
      },
    ],
    [
      callAt(8),
      async () => {
        await manager.promote();
        promoted();
      },
    ],
  ] as const;
}

describe('a day of 10,000 price calls by 20 clients, with a rotation in the middle', () => {
  it('loses no call: stage, canary, promote with a day of overlap, the old key revoked, retire', async () => {
    const scene = await ringScene();
    const desk = new PriceDesk(OLD);
    const manager = scene.manager({ probe: async (apiKey) => void (await desk.fetchPrice('XAU', { apiKey })) });
    await manager.init(OLD);
    const revoked = [callAt(19), () => Promise.resolve(desk.rotateTo(NEW))] as const;

    const report = await day(scene, desk, new Map([...rotation(manager, desk), revoked]), async () => {
      await scene.clock.advance(8 * HOUR);
      await manager.retire();
    });

    told(report, desk);
    expect(report.failed).toEqual([]);
    expect([...report.served.keys()]).toEqual(['v1', 'v2']);
    expect([...report.served.values()].reduce((sum, count) => sum + count, 0)).toBe(CALLS + CLIENTS);
    expect(desk.refusals).toBe(0);
    expect((await manager.status()).versions.map(({ state }) => state)).toEqual(['retired', 'current']);
  });

  it('loses no call when the price API revokes the old key before every client has the new one', async () => {
    const scene = await ringScene();
    const desk = new PriceDesk(OLD);
    const manager = scene.manager();
    await manager.init(OLD);
    const tooEarly = rotation(manager, desk, () => desk.rotateTo(NEW));

    const report = await day(scene, desk, new Map(tooEarly), () => manager.retire({ force: true }));

    told(report, desk);
    expect(report.failed).toEqual([]);
    expect(report.repairs).toBeGreaterThan(0);
    expect([...report.served.keys()]).toEqual(['v1', 'v2']);
  });
});
