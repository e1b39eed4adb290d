import type { PriceApi, PriceApiOptions } from '../prices.js';

/** The names `--api` takes. */
export const PRICE_APIS = [
  'metals-api',
  'commodities-api',
  'metalpriceapi',
  'goldapi',
  'metals-dev',
  'api-ninjas',
  'twelve-data',
] as const;

/** The price API that `--api` names. */
export async function priceApi(name: string, options: PriceApiOptions): Promise<PriceApi> {
  const apis = await import('../prices.js');
  const make: Readonly<Record<(typeof PRICE_APIS)[number], (options: PriceApiOptions) => PriceApi>> = {
    'metals-api': apis.metalsApi,
    'commodities-api': apis.commoditiesApi,
    metalpriceapi: apis.metalPriceApi,
    goldapi: apis.goldApi,
    'metals-dev': apis.metalsDev,
    'api-ninjas': apis.apiNinjas,
    'twelve-data': apis.twelveData,
  };
  const known = PRICE_APIS.find((api) => api === name);
  if (known === undefined) throw new Error('--api was checked before.');
  return make[known](options);
}
