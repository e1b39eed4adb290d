// What a straightforward build does: a field with an expiry check in an async method, and its four packages up front.
import '@aws-sdk/client-kms';
import 'lru-cache';
import 'p-retry';
import 'undici';

class NaiveClient {
  #load;
  #fetchPrice;
  #ttl;
  #key;
  #expiresAt = 0;

  constructor({ load, fetchPrice, ttl = 300_000 }) {
    this.#load = load;
    this.#fetchPrice = fetchPrice;
    this.#ttl = ttl;
  }

  async getKey() {
    if (this.#key !== undefined && Date.now() < this.#expiresAt) return this.#key;
    this.#key = await this.#load();
    this.#expiresAt = Date.now() + this.#ttl;
    return this.#key;
  }

  async getPrice(symbol) {
    const key = await this.getKey();
    return await this.#fetchPrice(symbol, key);
  }

  evict() {
    this.#key = undefined;
  }
}

export function create(options) {
  return new NaiveClient(options);
}

/** Many tenants, the plain way: a Map of clients. */
export function createPool({ load, fetchPrice }) {
  const clients = new Map();
  return {
    call(tenant) {
      let client = clients.get(tenant);
      if (client === undefined) clients.set(tenant, (client = new NaiveClient({ load, fetchPrice })));
      return client.getPrice('XAU');
    },
  };
}
