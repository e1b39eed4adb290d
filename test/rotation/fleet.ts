import { onTestFinished } from 'vitest';
import { GoldDataClient, type GoldDataClientOptions, type KeyCipher } from '../../src/index.js';
import { fileRing, fromKeyRing, type KeyRingOptions, type RingStore } from '../../src/rotation/index.js';
import type { PriceDesk } from '../core/helpers.js';
import { NAME, type RingScene } from './scene.js';

/** A cipher that counts what it is asked to decrypt. */
export interface CountedCipher extends KeyCipher {
  readonly opened: string[];
  /** Rejects what it names. */
  refuse: ((ciphertext: string) => unknown) | undefined;
}

export function counted(cipher: KeyCipher): CountedCipher {
  const own: CountedCipher = {
    ...cipher,
    opened: [],
    refuse: undefined,
    decrypt(ciphertext, options) {
      own.opened.push(String(ciphertext));
      const error = own.refuse?.(String(ciphertext));
      return error === undefined ? cipher.decrypt(ciphertext, options) : Promise.reject(error as Error);
    },
  };
  return own;
}

export interface Host {
  readonly gold: GoldDataClient<string>;
  /** The versions that its calls were run with, refused ones included. */
  readonly ran: string[];
  readonly events: string[];
  /** Calls `count` times; how each ended: the version that served it, or the error's code. */
  calls(count: number): Promise<string[]>;
}

const clientsOf = new WeakMap<object, Array<GoldDataClient<string>>>();

/** A client over the scene's ring, with what it did. */
export function host(
  scene: RingScene,
  desk: Pick<PriceDesk, 'fetchPrice'>,
  ring: Partial<KeyRingOptions> = {},
  more: Partial<GoldDataClientOptions<string>> = {},
): Host {
  const ran: string[] = [];
  const events: string[] = [];
  const gold = new GoldDataClient<string>({
    keyProvider: fromKeyRing({ ring: fileRing(scene.path), name: NAME, cipher: scene.cipher, ...ring }),
    clock: scene.clock,
    ttlJitter: 0,
    retry: false,
    async fetchPrice(symbol, context) {
      const { apiKey, version } = context;
      ran.push(version);
      await desk.fetchPrice(symbol, { apiKey });
      return version;
    },
    ...more,
  });
  for (const event of ['rollout-changed', 'rollout-reverted', 'repaired', 'load-failed'] as const) {
    gold.on(event, () => void events.push(event));
  }
  onTestFinished(() => gold.close());
  clientsOf.set(scene.clock, [...(clientsOf.get(scene.clock) ?? []), gold]);
  return {
    gold,
    ran,
    events,
    async calls(count) {
      const ends: string[] = [];
      for (let call = 0; call < count; call++) {
        ends.push(await gold.getPrice().catch((error: unknown) => String((error as { code?: unknown }).code)));
        await scene.clock.advance(10);
      }
      return ends;
    },
  };
}

/** Moves the clock, in which what it starts comes to its end: files take their own time, whatever the clock says. */
export async function settle({ clock }: RingScene, ms: number): Promise<void> {
  await clock.advance(ms);
  await Promise.all((clientsOf.get(clock) ?? []).map((gold) => gold.settled()));
}

/** Past the life of every key: the next call asks the ring. */
export async function nextLife(scene: RingScene): Promise<void> {
  // A notice that is on its way first.
  await settle(scene, 2_000);
  await settle(scene, 300_001);
}

/** A store that tells of changes when the test says so. */
export function telling(store: RingStore): { store: RingStore; told: () => void } {
  const listeners = new Set<() => void>();
  return {
    told: () => {
      for (const listener of listeners) listener();
    },
    store: {
      ...store,
      async subscribe(onChange) {
        await Promise.resolve();
        listeners.add(onChange);
        return () => Promise.resolve(void listeners.delete(onChange));
      },
    },
  };
}
