import { GoldDataClient } from 'goldkey';
import { KeyedClientPool } from 'goldkey/pool';

/** It repairs a refused call itself. */
export const repairs = true;

/** The benchmark's store as a key store: the same `load` that the others call. */
function providerOf(load) {
  return {
    name: 'benchmark',
    async load({ stage }) {
      if (stage !== 'current') return undefined;
      const key = await load();
      return { bytes: new TextEncoder().encode(key), version: key.slice(0, 8) };
    },
  };
}

export function create({ load, keyProvider = providerOf(load), fetchPrice, ...options }) {
  return new GoldDataClient({
    keyProvider,
    fetchPrice: (symbol, context) => fetchPrice(symbol, context.apiKey),
    ...options,
  });
}

/** What belongs to the user and not to the client: made before the heap is measured. */
export function prepareClient({ load }) {
  return { keyProvider: providerOf(load) };
}

export function createPool({ fetchPrice, tenants, max }) {
  const call = (context) => fetchPrice('XAU', context.apiKey);
  const pool = new KeyedClientPool({ max, create: (tenant) => tenants.get(tenant) });
  return { call: (tenant) => pool.get(tenant).withKey(call) };
}
