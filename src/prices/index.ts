/**
 * Ready-made fetchers for metals-price APIs: `import { metalsApi } from 'goldkey/prices'`
 *
 * @module
 */
export { apiNinjas } from './apis/api-ninjas.js';
export { commoditiesApi } from './apis/commodities-api.js';
export { goldApi } from './apis/goldapi.js';
export { metalPriceApi } from './apis/metalpriceapi.js';
export { metalsApi } from './apis/metals-api.js';
export { metalsDev } from './apis/metals-dev.js';
export { twelveData } from './apis/twelve-data.js';
export { PriceApiError } from './price-api-error.js';
export {
  firstAvailable,
  type FirstAvailable,
  type FirstAvailableCallOptions,
  type FirstAvailableOptions,
  type PriceClient,
} from './fallback/first-available.js';
export type { PriceApiErrorKind, PriceApiErrorOptions } from './price-api-error.js';
export type { PriceApi, PriceApiOptions, PriceQuery, Quote } from './types.js';
