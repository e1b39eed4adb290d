import type { PriceApi, PriceApiOptions } from '../prices.js';

/** The names `--api` takes. */
export const PRICE_APIS = ['metals-api'] as const;

/** The price API that `--api` names. */
export async function priceApi(name: string, options: PriceApiOptions): Promise<PriceApi> {
  const apis = await import('../prices.js');
  const make: Readonly<Record<string, (options: PriceApiOptions) => PriceApi>> = { 'metals-api': apis.metalsApi };
  const found = make[name];
  if (found === undefined) throw new Error('--api was checked before.');
  return found(options);
}
