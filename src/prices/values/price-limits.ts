import { describeType, invalidRange, invalidType, quote } from '../../core/index.js';
import { findMetal, isMetalSymbol } from './metals.js';
import { formatPair, type Pair } from './pair.js';
import { PriceJumpLimit } from './price-jumps.js';
import { UnusableBody, type Reading } from './reading.js';
import { MAX_PRICE, MIN_PRICE } from './units.js';

/** The lowest and highest price per troy ounce, by metal. */
export type Bounds = ReadonlyMap<string, readonly [min: number, max: number]>;

// Default bounds: wide enough for any market, too narrow for a price that is inverted or per gram or kilogram.
const USD_BOUNDS: Bounds = new Map([
  ['XAU', [200, 50_000]],
  ['XAG', [2, 2_000]],
  ['XPT', [100, 20_000]],
  ['XPD', [50, 20_000]],
  ['XRH', [100, 100_000]],
] as const);

const MAX_AHEAD_MS = 300_000;
/** The most and the least valuable currency, in USD: they widen the bounds where the rate to USD is not known. */
const MAX_CURRENCY_USD = 4;
const MIN_CURRENCY_USD = 1 / 200_000;
/** The largest factor between a price and its bid or ask; one of another unit or direction is further away. */
const MAX_SPREAD = 2;

/** Returns a checked copy of the option `bounds`. */
export function checkBounds(bounds: unknown): Bounds {
  if (bounds === undefined) return new Map();
  if (typeof bounds !== 'object' || bounds === null || Array.isArray(bounds)) {
    throw invalidType(`\`bounds\` must be an object of [min, max] by metal, got ${describeType(bounds)}.`);
  }
  const checked = new Map<string, readonly [number, number]>();
  for (const [metal, pair] of Object.entries(bounds as Record<string, unknown>)) {
    if (!isMetalSymbol(metal)) {
      throw invalidRange(`\`bounds\` must have symbols of metals as keys, e.g. \`XAU\`, got ${quote(metal)}.`);
    }
    const [min, max] = Array.isArray(pair) && pair.length === 2 ? (pair as unknown[]) : [];
    if (typeof min !== 'number' || typeof max !== 'number' || !(min >= 0 && min < max)) {
      throw invalidRange(`\`bounds.${metal}\` must be [min, max], two numbers from 0, the first below the second.`);
    }
    checked.set(metal, [min, max]);
  }
  return checked;
}

/** The checked options that limit a price. */
export interface Limits {
  /** In ms, up to `Infinity`. */
  readonly maxAge: number;
  /** Whether a price without a time is refused. */
  readonly needsTime: boolean;
  /** A fraction, up to `Infinity`. */
  readonly maxChange: number;
  readonly currency: string;
  readonly bounds: Bounds;
}

/**
 * Checks every reading before it becomes a quote. A price outside its limits is never corrected: a correction that is
 * wrong for one base or metal would pass unnoticed.
 */
export class PriceChecks {
  readonly #limits: Limits;
  /** Unset where any change is allowed: nothing needs to be remembered. */
  readonly #jumps: PriceJumpLimit | undefined;

  constructor(limits: Limits) {
    this.#limits = limits;
    this.#jumps = limits.maxChange === Infinity ? undefined : new PriceJumpLimit(limits.maxChange);
  }

  /** Throws an {@link UnusableBody} for a reading that cannot be right. */
  check(reading: Reading, pair: Pair): void {
    const problem =
      findAmountProblem(reading) ??
      findTimeProblem(reading, this.#limits) ??
      findBoundsProblem(reading, pair, this.#limits) ??
      findSpreadProblem(reading) ??
      (this.#jumps?.allows(formatPair(pair), reading.price) === false
        ? 'differs from the last one by more than `maxChange`'
        : undefined);
    if (problem === undefined) return;
    throw new UnusableBody('implausible', `gave a price of \`${pair.metal}\` in ${pair.currency} that ${problem}`);
  }

  /** Records a reading as the last good one, once all readings of the same call have passed. */
  accept(reading: Reading, pair: Pair): void {
    this.#jumps?.accept(formatPair(pair), reading.price);
  }
}

function findAmountProblem({ price, bid = price, ask = price }: Reading): string | undefined {
  const lowest = Math.min(price, bid, ask);
  const highest = Math.max(price, bid, ask);
  if (!(lowest > 0 && highest < Infinity)) return 'is not a number above zero';
  return lowest < MIN_PRICE || highest > MAX_PRICE ? 'is too small or too large for any currency' : undefined;
}

function findTimeProblem({ timestamp }: Reading, { maxAge, needsTime }: Limits): string | undefined {
  const age = timestamp === undefined ? undefined : Date.now() - timestamp;
  if (age === undefined) return needsTime ? 'has no time, and `maxAge` is set' : undefined;
  if (age < -MAX_AHEAD_MS) return 'has a time ahead of this clock';
  return age > maxAge ? 'is older than `maxAge`' : undefined;
}

function findBoundsProblem(reading: Reading, { metal, currency }: Pair, limits: Limits): string | undefined {
  const { price, usd } = reading;
  const given = currency === limits.currency ? limits.bounds.get(metal) : undefined;
  if (given !== undefined) return findRangeProblem(price, given, currency);
  if (reading.needsBounds === true) {
    return `came for a base other than USD, which is safe only with \`bounds.${metal}\` given`;
  }
  const bounds = USD_BOUNDS.get(findMetal(metal)?.symbol ?? metal);
  if (bounds === undefined) return undefined;
  if (currency === 'USD') return findRangeProblem(price, bounds, 'USD');
  if (usd !== undefined) return findRangeProblem(usd, bounds, 'USD');
  return findRangeProblem(price, [bounds[0] / MAX_CURRENCY_USD, bounds[1] / MIN_CURRENCY_USD], currency);
}

function findRangeProblem(price: number, [min, max]: readonly [number, number], currency: string): string | undefined {
  if (price >= min && price <= max) return undefined;
  return `is outside ${String(min)} to ${String(max)} ${currency} per troy ounce`;
}

function findSpreadProblem({ price, bid = price, ask = price }: Reading): string | undefined {
  const isAround = bid <= ask && bid <= price * MAX_SPREAD && ask >= price / MAX_SPREAD;
  return isAround ? undefined : 'does not stand between its bid and its ask';
}
