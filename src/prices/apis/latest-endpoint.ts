import { unwrap } from './apilayer.js';
import { Unreadable, type Ask, type Reading } from '../adapter/types.js';
import { member, numberIn, timeIn } from '../values/json-fields.js';

// The endpoint `latest` that metals-api, commodities-api and metalpriceapi share.

/**
 * The symbols to ask for with base USD, encoded: for other bases this family has been seen to answer in either
 * direction. Another currency is one more symbol of the same answer.
 */
export function symbolsOf(asks: readonly Ask[]): string {
  const symbols = new Set(asks.map((ask) => ask.metal));
  for (const { currency } of asks) if (currency !== 'USD') symbols.add(currency);
  return [...symbols].map(encodeURIComponent).join(',');
}

/** The price of one ask in the answer. */
export function readLatest(body: object, ask: Ask): Reading {
  const answer = unwrap(body);
  const rates = member(answer, 'rates');
  if (typeof rates !== 'object' || rates === null) throw new Unreadable('transient', 'answered without `rates`');
  const unit = member(answer, 'unit');
  if (typeof unit === 'string' && !unit.toLowerCase().includes('ounce')) {
    throw new Unreadable('implausible', 'answered in another unit than ounces');
  }
  const base = member(answer, 'base') ?? 'USD';
  return { ...priceIn(rates, base, ask), timestamp: timeIn(answer, 'timestamp') ?? timeIn(answer, 'date') };
}

/** The right way round for each base: dollars per ounce are `USDXAU`, or one over `XAU`; with base XAU they are `USD`. */
function priceIn(rates: object, base: unknown, { metal, currency }: Ask): Reading {
  if (base === metal) {
    const price = agreed(numberIn(rates, currency), numberIn(rates, `${metal}${currency}`), metal);
    return { ...price, usd: currency === 'USD' ? price.price : numberIn(rates, 'USD') };
  }
  if (base === currency) {
    const price = agreed(numberIn(rates, `${currency}${metal}`), numberIn(rates, metal), metal);
    return currency === 'USD' ? { ...price, usd: price.price } : { ...price, needsBounds: true };
  }
  if (base !== 'USD') throw new Unreadable('implausible', 'answered for another base than was asked for');
  const dollars = agreed(numberIn(rates, `USD${metal}`), numberIn(rates, metal), metal);
  // Units of the currency per dollar; the other form of the same number only confirms it.
  const perDollar = agreed(numberIn(rates, currency), numberIn(rates, `USD${currency}`), currency);
  return { price: dollars.price * perDollar.price, usd: dollars.price, direction: dollars.direction };
}

/** The direct number, else the inverse inverted once; where both are given they have to agree within 1 %. */
function agreed(
  direct: number | undefined,
  inverse: number | undefined,
  symbol: string,
): { price: number; direction: 'direct' | 'inverted' } {
  if (direct === undefined && inverse === undefined) {
    throw new Unreadable('bad-request', `has no rate for \`${symbol}\``);
  }
  if ((direct ?? 1) <= 0 || (inverse ?? 1) <= 0) {
    throw new Unreadable('implausible', `gave a rate for \`${symbol}\` that is not above zero`);
  }
  if (direct === undefined) return { price: 1 / (inverse as number), direction: 'inverted' };
  if (inverse !== undefined && Math.abs(direct * inverse - 1) > 0.01) {
    throw new Unreadable('implausible', `gave two rates for \`${symbol}\` that contradict each other`);
  }
  return { price: direct, direction: 'direct' };
}
