import type { Command } from 'commander';
import { GoldDataClient, isGoldKeyError } from '../../core/index.js';
import { PRICE_APIS, findPriceApiName, type PriceApiName } from '../../prices/apis/names.js';
import type { PriceApi, PriceApiOptions } from '../../prices/index.js';
import type { RotationOptions } from '../../rotation/index.js';
import { fixedKeyProvider } from '../input/read-key.js';
import type { CliIo } from '../io.js';
import type { CommandOptions } from './command-options.js';
import { openNetwork } from './network.js';

/** Adds `--api`, which takes the name of a price API in any spelling, and `--api-url`. */
export function addPriceApi(command: Command, description: string, fallback?: PriceApiName): Command {
  const option = command.createOption('--api <name>', description).choices(PRICE_APIS).default(fallback);
  const { parseArg: choose } = option;
  option.argParser((text, previous) => choose?.(findPriceApiName(text) ?? text, previous as string));
  return command
    .optionsGroup('Price API:')
    .addOption(option)
    .option('--api-url <url>', 'another address for the price API');
}

/** Creates the adapter of the price API that `--api` names, Metals-API without it. */
export async function createPriceApi(io: Pick<CliIo, 'env'>, options: CommandOptions): Promise<PriceApi> {
  const { api = 'metals-api', apiUrl } = options;
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
  const { dispatcher } = await openNetwork(io, options);
  return factories[api]({ baseUrl: apiUrl, ...(dispatcher !== undefined && { dispatcher }) });
}

/** Creates a probe that asks for one price with a key; `undefined` without `--api` and `--api-url`. */
export async function createProbe(io: Pick<CliIo, 'env'>, options: CommandOptions): Promise<RotationOptions['probe']> {
  if (options.api === undefined && options.apiUrl === undefined) return undefined;
  const prices = await createPriceApi(io, options);
  return async (key, { signal }) => {
    await using gold = new GoldDataClient({ keyProvider: fixedKeyProvider('probe', key), ...prices });
    await gold.getPrice('XAU', { signal }).catch((error: unknown) => {
      // There is this one key only: the price API's own words tell more than the client's.
      throw isGoldKeyError(error, 'ERR_GOLDKEY_REJECTED') ? (error.cause ?? error) : error;
    });
  };
}
