// The naive client with one load shared by all who wait for it.
class SharedPromiseClient {
  #load;
  #fetchPrice;
  #ttl;
  #key;
  #expiresAt = 0;
  #loading;

  constructor({ load, fetchPrice, ttl = 300_000 }) {
    this.#load = load;
    this.#fetchPrice = fetchPrice;
    this.#ttl = ttl;
  }

  async getKey() {
    if (this.#key !== undefined && Date.now() < this.#expiresAt) return this.#key;
    this.#loading ??= this.#load()
      .then((key) => {
        this.#key = key;
        this.#expiresAt = Date.now() + this.#ttl;
        return key;
      })
      .finally(() => {
        this.#loading = undefined;
      });
    return await this.#loading;
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
  return new SharedPromiseClient(options);
}
