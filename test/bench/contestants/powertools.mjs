// Powertools' parameters: the cache its Secrets Manager and SSM providers share.
import { BaseProvider } from '@aws-lambda-powertools/parameters/base';

class KeyParameter extends BaseProvider {
  #load;

  constructor(load) {
    super({});
    this.#load = load;
  }

  async _get() {
    return await this.#load();
  }

  async _getMultiple() {
    throw new Error('only one parameter');
  }
}

class PowertoolsClient {
  #provider;
  #fetchPrice;
  #options;

  constructor({ load, fetchPrice, ttl = 300_000 }) {
    this.#provider = new KeyParameter(load);
    this.#fetchPrice = fetchPrice;
    this.#options = { maxAge: ttl / 1000 };
  }

  async getPrice(symbol) {
    const key = await this.#provider.get('gold', this.#options);
    return await this.#fetchPrice(symbol, key);
  }

  evict() {
    this.#provider.clearCache();
  }
}

export function create(options) {
  return new PowertoolsClient(options);
}
