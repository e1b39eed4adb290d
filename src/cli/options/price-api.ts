import type { Option } from 'commander';
import type { PriceApi, PriceApiOptions } from '../../prices/index.js';
import { findPriceApiName as priceApiNamed, PRICE_APIS, type PriceApiName } from '../../prices/apis/names.js';

/** Lets an option name a price API, in any spelling. */
export function choosesPriceApi(option: Option): Option {
  const { parseArg: choose } = option.choices(PRICE_APIS);
  return option.argParser((text, previous) => choose?.(priceApiNamed(text) ?? text, previous as string));
}

/** The price API that `--api` names. */
export async function priceApi(name: PriceApiName, options: PriceApiOptions): Promise<PriceApi> {
  const apis = await import('../../prices/index.js');
  const make: Readonly<Record<PriceApiName, (options: PriceApiOptions) => PriceApi>> = {
    'metals-api': apis.metalsApi,
    'commodities-api': apis.commoditiesApi,
    metalpriceapi: apis.metalPriceApi,
    goldapi: apis.goldApi,
    'metals-dev': apis.metalsDev,
    'api-ninjas': apis.apiNinjas,
    'twelve-data': apis.twelveData,
  };
  return make[name](options);
}
