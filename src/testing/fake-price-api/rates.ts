import { priceOf } from './types.js';

/**
 * What a vendor that quotes currencies says of one symbol: `bought` is how many of it one unit of the base buys (with
 * base USD: ounces per dollar), `price` what one of it costs.
 */
export type RatesOf = (base: string, symbol: string, bought: number, price: number) => Readonly<Record<string, number>>;

/** `rates[S]`, and beside it `rates[base + S]`, its reciprocal. */
export const both: RatesOf = (base, symbol, bought, price) => ({ [symbol]: bought, [`${base}${symbol}`]: price });

/** The price where ounces per dollar belong, and nothing to check it against. */
export const swapped: RatesOf = (_base, symbol, _bought, price) => ({ [symbol]: price });

/** The rates of all symbols; `undefined` when the base or one of them is not known. */
export function ratesFor(
  base: string,
  symbols: readonly string[],
  ratesOf: RatesOf,
): Record<string, number> | undefined {
  const basePrice = priceOf(base);
  const rates: Record<string, number> = {};
  for (const symbol of symbols) {
    const price = priceOf(symbol);
    if (price === undefined || basePrice === undefined) return undefined;
    Object.assign(rates, ratesOf(base, symbol, basePrice / price, price / basePrice));
  }
  return rates;
}
