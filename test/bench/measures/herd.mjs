import { setTimeout as sleep } from 'node:timers/promises';
import { createStore } from '../lib/store.mjs';

const CALLERS = 1_000;
const TTL_MS = 1_000;

/** Loads that 1,000 callers at once cost: with no key yet, and when the key has expired while nobody called. */
export async function prepare(contestant) {
  const store = createStore();
  const client = contestant.create({ load: store.load, fetchPrice: async (_symbol, key) => key.length, ttl: TTL_MS });

  async function herd() {
    const before = store.loads.length;
    const outcomes = await Promise.allSettled(Array.from({ length: CALLERS }, () => client.getPrice('XAU')));
    const errors = outcomes.filter(({ status }) => status === 'rejected').length;
    return { loads: store.loads.length - before, errors };
  }

  return async () => {
    const cold = await herd();
    await sleep(TTL_MS + 300);
    return { cold, expired: await herd() };
  };
}
