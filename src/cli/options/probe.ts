import { GoldDataClient } from '../../core/index.js';
import type { PriceApiName } from '../../prices/apis/names.js';
import type { RotationOptions } from '../../rotation/index.js';
import { givenKey } from '../input/fixed-key.js';
import { priceApi } from './price-api.js';

/** The options that say which price API tries a key. */
export interface ProbeOptions {
  api?: PriceApiName | undefined;
  apiUrl?: string | undefined;
}

const DEFAULT_API = 'metals-api';

/** Tries a key by asking for one price with it; without `--api` or `--api-url` no key is tried. */
export async function probeOf({ api, apiUrl }: ProbeOptions): Promise<RotationOptions['probe']> {
  if (api === undefined && apiUrl === undefined) return undefined;
  const prices = await priceApi(api ?? DEFAULT_API, { baseUrl: apiUrl });
  return async (key, { signal }) => {
    await using gold = new GoldDataClient({ keyProvider: givenKey('probe', key), ...prices });
    await gold.getPrice('XAU', { signal });
  };
}
