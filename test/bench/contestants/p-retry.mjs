// The naive client with p-retry around every fetch.
import pRetry from 'p-retry';

class RetryingClient {
  #load;
  #fetchPrice;
  #retry;
  #key;
  #expiresAt = 0;

  constructor({ load, fetchPrice, retry = { retries: 2 } }) {
    this.#load = load;
    this.#fetchPrice = fetchPrice;
    this.#retry = retry;
  }

  async getKey() {
    if (this.#key !== undefined && Date.now() < this.#expiresAt) return this.#key;
    this.#key = await this.#load();
    this.#expiresAt = Date.now() + 300_000;
    return this.#key;
  }

  async getPrice(symbol) {
    const key = await this.getKey();
    return await pRetry(() => this.#fetchPrice(symbol, key), this.#retry);
  }
}

export function create(options) {
  return new RetryingClient(options);
}
