import type { Dialect } from '../adapter/create-price-api.js';
import { classifyLimit, classifyText } from '../adapter/error-phrases.js';
import type { PriceApiErrorKind } from '../price-api-error.js';
import { readConversion } from '../values/conversion.js';
import type { Pair } from '../values/pair.js';
import type { Reading } from '../values/reading.js';
import { readErrorCode, readField, readNumber, readTime, requireObject, UnusableBody } from '../values/reading.js';

// The errors that metals-api, commodities-api, metalpriceapi and the apilayer services share. The codes are in the
// body, mostly with HTTP 200, and some look like HTTP statuses: 403 is a bad amount and 501 a missing time frame.

/** What a vendor's error codes mean. A code that is not here is not documented. */
type Codes = Readonly<Record<number, readonly [kind: PriceApiErrorKind, detail?: string]>>;

/** The codes of metals-api and commodities-api. */
const CODES: Codes = {
  101: ['key-rejected', 'the key is missing or invalid'],
  102: ['key-rejected', 'the account is inactive'],
  103: ['bad-request', 'there is no such endpoint'],
  104: ['quota'],
  105: ['plan'],
  // Documented as "no results", also seen for throttling.
  106: ['transient', 'there are no results'],
  201: ['bad-request', 'the base currency is not valid'],
  202: ['bad-request', 'a symbol is not valid'],
  ...Object.fromEntries([301, 302, 403, 404, 501, 502, 503, 504, 505].map((code) => [code, ['bad-request']] as const)),
};

/** The shortest sentence that names the unit of metals. */
const SHORTEST_SENTENCE = 'per ounce for metals';

const TYPES: Readonly<Record<string, PriceApiErrorKind>> = {
  missing_access_key: 'key-rejected',
  invalid_access_key: 'key-rejected',
  inactive_user: 'key-rejected',
  usage_limit_reached: 'quota',
  monthly_limit_reached: 'quota',
  function_access_restricted: 'plan',
  https_access_restricted: 'plan',
  rate_limit_reached: 'rate-limited',
};

/** The endpoint `latest` of metals-api and commodities-api; metalpriceapi's differs in the key and the errors. */
export const LATEST_ENDPOINT: Omit<Dialect, 'source' | 'baseUrl'> = {
  batching: 'any',
  buildRequest: (pairs, key) => ({
    path: `latest?access_key=${encodeURIComponent(key)}&base=USD&symbols=${formatSymbols(pairs)}`,
  }),
  readFailure: createCodeReader(CODES),

  readPrice(body, pair) {
    const answer = unwrapBody(body);
    const rates = requireObject(answer, 'rates');
    const convert = readConversion({}, pair, readUnitName(readField(answer, 'unit'), pair));
    const { price, usd, direction, needsBounds } = readRate(rates, readField(answer, 'base') ?? 'USD', pair);
    return {
      price: convert(price),
      usd: usd === undefined ? undefined : convert(usd),
      timestamp: readTime(answer, 'timestamp') ?? readTime(answer, 'date'),
      direction,
      needsBounds,
    };
  },
};

/**
 * Returns the symbols to ask for with base USD, encoded: with other bases these APIs have been seen to answer in either
 * direction. Another currency is one more symbol of the same answer.
 */
export function formatSymbols(pairs: readonly [Pair, ...Pair[]]): string {
  const [first] = pairs;
  if (pairs.length === 1 && first.currency === 'USD') return encodeURIComponent(first.metal);
  const symbols = new Set(pairs.map(({ metal }) => metal));
  for (const { currency } of pairs) if (currency !== 'USD') symbols.add(currency);
  return [...symbols].map(encodeURIComponent).join(',');
}

/** Reads a price by the direction of its base: USD per ounce is `USDXAU`, or one over `XAU`; with base XAU, `USD`. */
function readRate(rates: object, base: unknown, { metal, currency }: Pair): Reading {
  // No spreads: see `createQuote`.
  if (base === metal) {
    const { price, direction } = combineRates(rates, currency, `${metal}${currency}`, metal);
    return { price, direction, usd: currency === 'USD' ? price : readNumber(rates, 'USD') };
  }
  if (base === currency) {
    const { price, direction } = combineRates(rates, `${currency}${metal}`, metal, metal);
    const isUsd = currency === 'USD';
    return { price, direction, usd: isUsd ? price : undefined, needsBounds: !isUsd };
  }
  if (base !== 'USD') throw new UnusableBody('implausible', 'answered with another `base` than was asked for');
  const usd = combineRates(rates, `USD${metal}`, metal, metal);
  // Units of the currency per dollar; the other form of the same number only confirms it.
  const perDollar = combineRates(rates, currency, `USD${currency}`, currency);
  return { price: usd.price * perDollar.price, usd: usd.price, direction: usd.direction };
}

/** Returns the direct rate, else one over the inverse; if both are given they must agree within 1 %. */
function combineRates(rates: object, directName: string, inverseName: string, symbol: string): Reading {
  const direct = readNumber(rates, directName);
  const inverse = readNumber(rates, inverseName);
  if (direct === undefined && inverse === undefined) {
    throw new UnusableBody('bad-request', `has no rate for \`${symbol}\``);
  }
  if ((direct ?? 1) <= 0 || (inverse ?? 1) <= 0) {
    throw new UnusableBody('implausible', `gave a rate for \`${symbol}\` that is not above zero`);
  }
  if (direct === undefined) return { price: 1 / (inverse as number), direction: 'inverted' };
  if (inverse !== undefined && Math.abs(direct * inverse - 1) > 0.01) {
    throw new UnusableBody('implausible', `gave two rates for \`${symbol}\` that contradict each other`);
  }
  return { price: direct, direction: 'direct' };
}

/** Returns the body itself: some vendors wrap it in `data`. */
function unwrapBody(body: object): object {
  const data = readField(body, 'data');
  return typeof data === 'object' && data !== null ? data : body;
}

/** Returns the name of a metal's unit from one for all symbols, one for each, or a sentence about classes of goods. */
function readUnitName(unit: unknown, { metal }: Pair): unknown {
  if (typeof unit === 'object') return readField(unit, metal);
  const isSentence = typeof unit === 'string' && unit.length >= SHORTEST_SENTENCE.length;
  return isSentence ? (/\bper ((?:troy )?ounces?) for metals\b/i.exec(unit)?.[1] ?? unit) : unit;
}

/**
 * Returns a `readFailure` for an API of this family. A documented code decides before the status and the words; the words
 * count only where there is none.
 */
export function createCodeReader(codes: Codes): Dialect['readFailure'] {
  return (body, status) => {
    const inner = unwrapBody(body);
    const error = readField(inner, 'error') ?? readField(body, 'error');
    if ((error === undefined || error === null) && readField(inner, 'success') !== false) {
      // The gateway in front has no codes.
      return status === 429 ? { kind: classifyLimit(body) } : undefined;
    }
    const code = readErrorCode(error, 'code') ?? readErrorCode(error, 'statusCode');
    const typeKind = readType(error, 'type') ?? readType(error, 'code');
    const [codeKind, detail] = (code === undefined ? undefined : codes[code]) ?? [];
    // The status or the type tells the two meanings of 106 apart.
    const isThrottled = codeKind === 'transient' && (status === 429 || typeKind === 'rate-limited');
    // Behind a server that fails, a code about the request may be no more than its status.
    if (codeKind === 'bad-request' && status >= 500) return undefined;
    if (codeKind !== undefined) return isThrottled ? { kind: 'rate-limited', code } : { kind: codeKind, code, detail };
    const kind = typeKind ?? (status < 500 ? classifyText(error) : undefined);
    if (kind !== undefined) return { kind, code };
    // These statuses say more than an undocumented code.
    if (status >= 500 || status === 429 || status === 408 || status === 401 || status === 403) return undefined;
    if (code !== undefined) return { kind: 'bad-request', code };
    return status >= 400 ? undefined : { kind: 'bad-request' };
  };
}

function readType(error: unknown, name: string): PriceApiErrorKind | undefined {
  const type = readField(error, name);
  return typeof type === 'string' && Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
}
