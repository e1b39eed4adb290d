import { setTimeout as sleep } from 'node:timers/promises';

/** A price API that refuses every key it has not been told to accept, when the answer is due. */
export function createPriceApi({ live, latency }) {
  let accepted = new Set(live);
  const api = {
    refused: 0,
    accept(keys) {
      accepted = new Set(keys);
    },
    async fetchPrice(_symbol, key) {
      await sleep(latency());
      if (!accepted.has(key)) {
        api.refused++;
        throw Object.assign(new Error('Unauthorized'), { status: 401 });
      }
      return 2_000;
    },
  };
  return api;
}

/** What user code adds to a cache that cannot do it: on a 401 drop the key and call once more. */
export function repairing(contestant, client) {
  if (contestant.repairs === true) return client;
  return {
    async getPrice(symbol) {
      try {
        return await client.getPrice(symbol);
      } catch (error) {
        if (error.status !== 401) throw error;
        client.evict();
        return await client.getPrice(symbol);
      }
    },
  };
}
