// lru-cache's fetch() with what it has against outages: the old value while a load fails.
import { create as createFetching } from './lru-fetch.mjs';

export function create(options) {
  return createFetching({ ...options, stale: true });
}
