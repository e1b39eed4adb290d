import {
  checkInteger,
  checkOptionalFunction,
  checkOptionNames,
  describeType,
  invalidRange,
  invalidType,
  isSecureTransport,
} from '../../core/index.js';
import { checkDispatcher } from '../../http/dispatcher.js';
import type { PriceApiOptions } from '../types.js';
import { isCurrencyCode } from '../values/pair.js';
import { checkBounds, type Limits } from '../values/price-limits.js';
import { UNITS } from '../values/units.js';

/** The checked options of a price API, with defaults. */
export interface CheckedPriceOptions extends Limits, Readonly<Pick<PriceApiOptions, 'fetch'>> {
  readonly dispatcher: ReturnType<typeof checkDispatcher>;
  /** A URL that ends in a slash and has no credentials, query or fragment. */
  readonly baseUrl: URL;
  readonly unit: NonNullable<PriceApiOptions['unit']>;
  readonly maxBodySize: number;
}

/** A week: cheap plans deliver once a day, and markets close for holidays. */
const MAX_AGE_MS = 604_800_000;
const MAX_CHANGE = 0.25;

const NAMES = ['baseUrl', 'currency', 'unit', 'maxAge', 'maxChange', 'bounds', 'maxBodySize', 'dispatcher', 'fetch'];

/** Checks the options of the function `name`; `baseUrl` is the vendor's address. */
export function checkPriceOptions(name: string, options: PriceApiOptions, baseUrl: string): CheckedPriceOptions {
  // The first thing that a newcomer tries.
  if (Object.keys(Object(options)).some((option) => /^(?:api|access)?_?key$/i.test(option))) {
    throw invalidType(`${name} takes no key; give it to the client's \`keyProvider\`.`);
  }
  checkOptionNames(name, options, NAMES);
  const { unit = 'troy_ounce', currency = 'USD' } = options;
  const dispatcher = checkDispatcher(options.dispatcher);
  if (!UNITS.includes(unit)) throw invalidRange(`\`unit\` must be one of ${UNITS.join(', ')}.`);
  if (!isCurrencyCode(currency))
    throw invalidRange('`currency` must be three capital letters of ISO 4217, e.g. `USD`.');
  if (dispatcher !== undefined && options.fetch !== undefined) {
    throw invalidType('`dispatcher` and `fetch` exclude each other: set only one of them.');
  }
  return Object.freeze({
    baseUrl: checkBaseUrl(options.baseUrl ?? baseUrl),
    currency,
    unit,
    maxAge: options.maxAge === Infinity ? Infinity : checkInteger('maxAge', options.maxAge, MAX_AGE_MS, 1),
    needsTime: options.maxAge !== undefined && options.maxAge !== Infinity,
    maxChange: checkMaxChange(options.maxChange),
    bounds: checkBounds(options.bounds),
    maxBodySize: checkInteger('maxBodySize', options.maxBodySize, 1_000_000, 1),
    dispatcher,
    fetch: checkOptionalFunction('fetch', options.fetch),
  });
}

function checkMaxChange(maxChange: unknown = MAX_CHANGE): number {
  if (typeof maxChange !== 'number')
    throw invalidType(`\`maxChange\` must be a fraction, got ${describeType(maxChange)}.`);
  if (!(maxChange > 0)) {
    throw invalidRange(`\`maxChange\` must be a fraction above 0 (0.1 means 10 %), got ${describeType(maxChange)}.`);
  }
  return maxChange;
}

function checkBaseUrl(baseUrl: unknown): URL {
  if (typeof baseUrl !== 'string') throw invalidType(`\`baseUrl\` must be a string, got ${describeType(baseUrl)}.`);
  // These messages do not quote the value: a user may have put the key into the address.
  if (!URL.canParse(baseUrl)) throw invalidRange('`baseUrl` must be an absolute URL.');
  const url = new URL(baseUrl);
  if (!isSecureTransport(url)) {
    throw invalidRange(
      '`baseUrl` must be an `https:` address: the key travels in the request (`http:` only on loopback).',
    );
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw invalidRange('`baseUrl` must have no user, query or fragment: the key is added to each request.');
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}
