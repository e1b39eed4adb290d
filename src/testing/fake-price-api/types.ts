/** A call as a dialect sees it. */
export interface PriceCall {
  readonly path: string;
  readonly query: URLSearchParams;
  /** The first value of a header, by its lower-case name. */
  header(name: string): string | undefined;
}

/** What a dialect answers; `body` is sent as JSON. */
export interface PriceReply {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** How one vendor says things. Nothing here knows which keys are good: the server does. */
export interface PriceDialect {
  /** The key a call brings, wherever this vendor looks for it. */
  keyOf(call: PriceCall): string | undefined;
  /** A key that is missing, or is not (or no longer) good. */
  keyRefused(missing: boolean): PriceReply;
  /** The answer to a call with a good key, at `now` (epoch ms). */
  answer(call: PriceCall, now: number): PriceReply;
  /** The answer with prices that cannot be: the fault 'implausible'. */
  implausible(call: PriceCall, now: number): PriceReply;
  /** The month's calls are used up. */
  quota(): PriceReply;
  /** The plan does not include this. */
  plan(): PriceReply;
  /** The body beside HTTP 429. */
  rateLimited(): PriceReply;
}

/**
 * What a unit of each symbol is worth in US dollars: a troy ounce of the metals. Invented, constant, and of the right
 * size, so that a user's own plausibility checks hold.
 */
export const USD_PRICES: Readonly<Record<string, number>> = {
  USD: 1,
  XAU: 2199.5135616442817,
  XAG: 25.34,
  XPT: 905.75,
  XPD: 1012.5,
  EUR: 1.0866,
  GBP: 1.2659,
  CHF: 1.1144,
  JPY: 0.0066,
};

/** What a unit of a symbol is worth in US dollars; `undefined` for a symbol the fakes do not know. */
export function priceOf(symbol: string | null | undefined): number | undefined {
  return symbol !== null && symbol !== undefined && Object.hasOwn(USD_PRICES, symbol) ? USD_PRICES[symbol] : undefined;
}

/** The four metals, by the names that some vendors use in place of symbols. */
export const METALS_BY_NAME: Readonly<Record<string, string>> = {
  gold: 'XAU',
  silver: 'XAG',
  platinum: 'XPT',
  palladium: 'XPD',
};

/** A metal's price in a currency, per troy ounce; `undefined` when there is none of this pair. */
export function priceIn(metal: string, currency: string): number | undefined {
  const price = Object.values(METALS_BY_NAME).includes(metal) ? priceOf(metal) : undefined;
  const worth = Object.values(METALS_BY_NAME).includes(currency) ? undefined : priceOf(currency);
  return price === undefined || worth === undefined ? undefined : price / worth;
}

/** Unix seconds. */
export function secondsOf(now: number): number {
  return Math.floor(now / 1000);
}
