// A Middy handler whose middleware puts the key into the context, by the cache every Middy fetcher is built on.
import middy from '@middy/core';
import { clearCache, getCache, getInternal, modifyCache, processCache } from '@middy/util';

const cacheKey = 'gold';

function keyMiddleware({ load, ttl = 300_000 }) {
  const options = { cacheKey, cacheExpiry: ttl };
  const fetchKey = (_request, cached = {}) => {
    if (cached.goldKey !== undefined) return {};
    const goldKey = load().catch((error) => {
      modifyCache(cacheKey, { ...getCache(cacheKey).value, goldKey: undefined });
      throw error;
    });
    // Its refresh timer leaves a failure to whoever calls next; without a listener that would end the process.
    goldKey.catch(() => {});
    return { goldKey };
  };
  return {
    async before(request) {
      const { value } = processCache(options, fetchKey, request);
      Object.assign(request.internal, value);
      Object.assign(request.context, await getInternal(['goldKey'], request));
    },
  };
}

function getRemainingTimeInMillis() {
  return 30_000;
}

export function create(options) {
  const { fetchPrice } = options;
  const handler = middy()
    .use(keyMiddleware(options))
    .handler((event, context) => fetchPrice(event.symbol, context.goldKey));
  return {
    // Lambda hands every invocation a context of its own; with the time left in it Middy sets its early timeout.
    getPrice: (symbol) => handler({ symbol }, { getRemainingTimeInMillis }),
    evict: () => clearCache(cacheKey),
  };
}
