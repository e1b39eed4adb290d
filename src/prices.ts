/** @module goldkey/prices: ready-made fetchers for metals-price APIs. `import { metalsApi } from 'goldkey/prices'` */
export { firstAvailable } from './prices/first-available.js';
export { metalsApi } from './prices/metals-api.js';
export { PriceApiError } from './prices/price-api-error.js';
export type {
  FirstAvailable,
  FirstAvailableCallOptions,
  FirstAvailableOptions,
  PriceClient,
} from './prices/first-available-types.js';
export type { PriceApiErrorKind, PriceApiErrorOptions } from './prices/price-api-error.js';
export type { PriceApi, PriceApiOptions, PriceQuery, Quote } from './prices/types.js';
