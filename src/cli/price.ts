import { GoldDataClient } from '../core/index.js';
import type { PriceApi, Quote } from '../prices.js';
import { result, type CliIo } from './io.js';
import { priceApi } from './price-api.js';
import { keyTimeoutOf, providerOf, type KeyOptions } from './store.js';

/** The options of `price`. */
export interface PriceOptions extends KeyOptions {
  api: string;
  apiUrl?: string | undefined;
  json?: boolean | undefined;
}

/** The main job, once: decrypt the key, ask for a price with it, tell what it took. */
export async function price(io: CliIo, symbol: string, options: PriceOptions): Promise<void> {
  const keyTimeout = keyTimeoutOf(io, options);
  const api = await priceApi(options.api, { baseUrl: options.apiUrl });
  const keyProvider = await providerOf(io, options);
  let took = 0;
  const timed: PriceApi['fetchPrice'] = async (query, context) => {
    const start = performance.now();
    const quote = await api.fetchPrice(query, context);
    took = Math.round(performance.now() - start);
    return quote;
  };
  await using gold = new GoldDataClient({
    keyProvider,
    fetchPrice: timed,
    isKeyRejected: api.isKeyRejected,
    isTransient: api.isTransient,
    keyTimeout,
    timeout: keyTimeout + 10_000,
  });
  const quote = await gold.getPrice(symbol);
  const { raw: _, ...shown } = quote;
  const { version, fingerprint, counts } = gold.status();
  const store = keyProvider.name === 'aws-kms' ? 'kms' : keyProvider.name;
  const about = { requestMs: took, store, loads: counts.loads, version, fingerprint };
  result(io, options.json, { ...shown, ...about }, () => asText(quote, about));
}

function asText(
  quote: Quote,
  about: { requestMs: number; store: string; loads: number; version?: string | undefined },
): string {
  const { metal, currency, unit, timestamp, source } = quote;
  const name = about.store === 'kms' ? 'KMS' : `The ${about.store} store`;
  return [
    `${metal} ${quote.price.toFixed(2)} ${currency} per ${unit.replace('_', ' ')}`,
    `${source} answered in ${String(about.requestMs)} ms; the price is of ${new Date(timestamp).toISOString()}`,
    `${name} was called ${about.loads === 1 ? 'once' : `${String(about.loads)} times`} (key ${String(about.version)})`,
  ].join('\n');
}
