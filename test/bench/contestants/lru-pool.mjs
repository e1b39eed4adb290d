// Many tenants, bounded: an lru-cache of naive clients.
import { LRUCache } from 'lru-cache';
import { create } from './naive.mjs';

export function createPool({ load, fetchPrice, max }) {
  const clients = new LRUCache({ max });
  return {
    call(tenant) {
      let client = clients.get(tenant);
      if (client === undefined) clients.set(tenant, (client = create({ load, fetchPrice })));
      return client.getPrice('XAU');
    },
  };
}
