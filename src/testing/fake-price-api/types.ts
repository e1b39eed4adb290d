/** A call as a dialect reads it. */
export interface PriceCall {
  readonly path: string;
  readonly query: URLSearchParams;
  /** Returns the first value of a header, by its lower-case name. */
  getHeader(name: string): string | undefined;
}

/** An answer, whose `body` is sent as JSON. */
export interface PriceReply {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The error answers that each vendor words in its own way. */
export type PriceErrorName = 'missing-key' | 'wrong-key' | 'quota' | 'plan' | 'rate-limited';

/** How a price is shown: as it is, or as the reciprocal for the fault `implausible`. */
export type ShowPrice = (price: number) => number;

/** The protocol of one vendor. The server, not the dialect, knows which keys are valid. */
export interface PriceDialect {
  /** Returns the key of a call from the place where this vendor looks for it. */
  findKey(call: PriceCall): string | undefined;
  /** Answers a call with a valid key at `now` (epoch ms). */
  answer(call: PriceCall, now: number, shown: ShowPrice): PriceReply;
  readonly errors: Readonly<Record<PriceErrorName, PriceReply>>;
}

/** Shows a price that cannot be right: its reciprocal. */
export const showReciprocal: ShowPrice = (price) => 1 / price;

/**
 * The worth of one unit of each symbol in US dollars: of a troy ounce for the metals. Invented, constant, and of the
 * right size, so that a user's own plausibility checks hold.
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

/** Returns the worth of one unit of a symbol in US dollars, or `undefined` for an unknown symbol. */
export function getUsdPrice(symbol: string): number | undefined {
  return Object.hasOwn(USD_PRICES, symbol) ? USD_PRICES[symbol] : undefined;
}

/** The symbols of the metals, by the names that some vendors use instead. */
export const METALS_BY_NAME: Readonly<Record<string, string>> = {
  gold: 'XAU',
  silver: 'XAG',
  platinum: 'XPT',
  palladium: 'XPD',
};

/** Returns the price of a troy ounce of a metal in a currency, or `undefined` for an unknown pair. */
export function getMetalPrice(metal: string, currency: string): number | undefined {
  const metals = Object.values(METALS_BY_NAME);
  const price = metals.includes(metal) ? getUsdPrice(metal) : undefined;
  const worth = metals.includes(currency) ? undefined : getUsdPrice(currency);
  return price === undefined || worth === undefined ? undefined : price / worth;
}

/** Converts epoch ms to Unix seconds. */
export function toSeconds(now: number): number {
  return Math.floor(now / 1000);
}
