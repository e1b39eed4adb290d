// lru-cache with a ttl, by get() and set().
import { LRUCache } from 'lru-cache';

class LruClient {
  #cache;
  #load;
  #fetchPrice;

  constructor({ load, fetchPrice, ttl = 300_000, max = 100 }) {
    this.#cache = new LRUCache({ max, ttl });
    this.#load = load;
    this.#fetchPrice = fetchPrice;
  }

  readKey() {
    return this.#cache.get('gold');
  }

  async getPrice(symbol) {
    let key = this.#cache.get('gold');
    if (key === undefined) {
      key = await this.#load();
      this.#cache.set('gold', key);
    }
    return await this.#fetchPrice(symbol, key);
  }

  evict() {
    this.#cache.delete('gold');
  }
}

export function create(options) {
  return new LruClient(options);
}
