import type { Command } from 'commander';
import { GoldDataClient } from '../../core/index.js';
import { PRICE_APIS, findPriceApiName, type PriceApiName } from '../../prices/apis/names.js';
import type { PriceApi, PriceApiOptions } from '../../prices/index.js';
import type { RotationOptions } from '../../rotation/index.js';
import { fixedKeyProvider } from '../input/read-key.js';

/** The options that name a price API. */
export interface PriceApiChoice {
  api?: PriceApiName | undefined;
  apiUrl?: string | undefined;
}

/** Adds `--api`, which takes the name of a price API in any spelling, and `--api-url`. */
export function addPriceApi(command: Command, description: string, fallback?: PriceApiName): Command {
  const option = command.createOption('--api <name>', description).choices(PRICE_APIS).default(fallback);
  const { parseArg: choose } = option;
  option.argParser((text, previous) => choose?.(findPriceApiName(text) ?? text, previous as string));
  return command.addOption(option).option('--api-url <url>', 'another address for the price API');
}

/** Creates the adapter of the price API that `--api` names. */
export async function createPriceApi(name: PriceApiName, options: PriceApiOptions): Promise<PriceApi> {
  const apis = await import('../../prices/index.js');
  const factories: Readonly<Record<PriceApiName, (options: PriceApiOptions) => PriceApi>> = {
    'metals-api': apis.metalsApi,
    'commodities-api': apis.commoditiesApi,
    metalpriceapi: apis.metalPriceApi,
    goldapi: apis.goldApi,
    'metals-dev': apis.metalsDev,
    'api-ninjas': apis.apiNinjas,
    'twelve-data': apis.twelveData,
  };
  return factories[name](options);
}

/** Creates a probe that asks for one price with a key; `undefined` without `--api` and `--api-url`. */
export async function createProbe({ api, apiUrl }: PriceApiChoice): Promise<RotationOptions['probe']> {
  if (api === undefined && apiUrl === undefined) return undefined;
  const prices = await createPriceApi(api ?? 'metals-api', { baseUrl: apiUrl });
  return async (key, { signal }) => {
    await using gold = new GoldDataClient({ keyProvider: fixedKeyProvider('probe', key), ...prices });
    await gold.getPrice('XAU', { signal });
  };
}
