import { KeyedClient, type KeyedClientOptions } from '../../src/index.js';
import { manualClock, memoryKeyProvider, type ManualClock } from '../../src/testing/index.js';
import { watch, type Alert, type WatchOptions } from '../../src/watch/index.js';

export const KEY = 'gold-key-00000001';
export const MINUTE = 60_000;
export const DAY = 86_400_000;

export interface Scene {
  readonly clock: ManualClock;
  readonly client: KeyedClient;
  readonly alerts: Alert[];
  readonly watching: ReturnType<typeof watch>;
  /** Makes so many calls, which all end well. */
  call(times: number): Promise<void>;
  /** Lets so many windows of a minute pass, with so many calls in each. */
  minutes(calls: readonly number[]): Promise<void>;
}

/** A client on a manual clock, and a watch over it. */
export function scene(options: Partial<WatchOptions> = {}, more: Partial<KeyedClientOptions> = {}): Scene {
  const clock = manualClock();
  const client = new KeyedClient({ keyProvider: memoryKeyProvider({ current: KEY }), clock, name: 'gold', ...more });
  const alerts: Alert[] = [];
  const watching = watch(client, { onAlert: (alert) => void alerts.push(alert), ...options });
  const call = async (times: number): Promise<void> => {
    for (let made = 0; made < times; made++) await client.withKey(async () => 1).catch(() => undefined);
  };
  const minutes = async (calls: readonly number[]): Promise<void> => {
    for (const times of calls) {
      await call(times);
      await clock.advance(MINUTE);
    }
  };
  return { clock, client, alerts, watching, call, minutes };
}

/** So many windows alike. */
export const windows = (count: number, calls: number): number[] => Array.from({ length: count }, () => calls);
