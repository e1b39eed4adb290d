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
  readonly body: object;
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
export const USD_PRICES: ReadonlyMap<string, number> = new Map([
  ['USD', 1],
  ['XAU', 2199.5135616442817],
  ['XAG', 25.34],
  ['XPT', 905.75],
  ['XPD', 1012.5],
  ['EUR', 1.0866],
  ['GBP', 1.2659],
  ['CHF', 1.1144],
  ['JPY', 0.0066],
]);

/** The symbols of the metals, by the names that some vendors use instead. */
export const METALS_BY_NAME: ReadonlyMap<string, string> = new Map([
  ['gold', 'XAU'],
  ['silver', 'XAG'],
  ['platinum', 'XPT'],
  ['palladium', 'XPD'],
]);

/** Returns the price of a troy ounce of a metal in a currency, or `undefined` for an unknown pair. */
export function getMetalPrice(metal: string, currency: string): number | undefined {
  const metals = [...METALS_BY_NAME.values()];
  const price = metals.includes(metal) ? USD_PRICES.get(metal) : undefined;
  const worth = metals.includes(currency) ? undefined : USD_PRICES.get(currency);
  return price === undefined || worth === undefined ? undefined : price / worth;
}

/** Returns an error that is a text alone. */
export function createTextError(status: number, error: string): PriceReply {
  return { status, body: { error } };
}

/** Converts epoch ms to Unix seconds. */
export function toSeconds(now: number): number {
  return Math.floor(now / 1000);
}
