/** @module goldkey/prices: ready-made fetchers for metals-price APIs. `import { metalsApi } from 'goldkey/prices'` */
export { apiNinjas } from './prices/api-ninjas.js';
export { commoditiesApi } from './prices/commodities-api.js';
export { firstAvailable } from './prices/first-available.js';
export { goldApi } from './prices/gold-api.js';
export { metalPriceApi } from './prices/metal-price-api.js';
export { metalsApi } from './prices/metals-api.js';
export { metalsDev } from './prices/metals-dev.js';
export { twelveData } from './prices/twelve-data.js';
export { PriceApiError } from './prices/price-api-error.js';
export type {
  FirstAvailable,
  FirstAvailableCallOptions,
  FirstAvailableOptions,
  PriceClient,
} from './prices/first-available-types.js';
export type { PriceApiErrorKind, PriceApiErrorOptions } from './prices/price-api-error.js';
export type { PriceApi, PriceApiOptions, PriceQuery, Quote } from './prices/types.js';
