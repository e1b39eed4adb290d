// lru-cache's own single flight: fetch().
import { LRUCache } from 'lru-cache';

class LruFetchClient {
  #cache;
  #fetchPrice;

  constructor({ load, fetchPrice, ttl = 300_000, stale = false }) {
    this.#cache = new LRUCache({
      max: 100,
      ttl,
      fetchMethod: () => load(),
      ...(stale && { allowStale: true, allowStaleOnFetchRejection: true, noDeleteOnFetchRejection: true }),
    });
    this.#fetchPrice = fetchPrice;
  }

  async getPrice(symbol) {
    const key = await this.#cache.fetch('gold');
    return await this.#fetchPrice(symbol, key);
  }

  evict() {
    this.#cache.delete('gold');
  }
}

export function create(options) {
  return new LruFetchClient(options);
}
