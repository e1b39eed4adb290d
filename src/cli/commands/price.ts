import { GoldDataClient, MIN_KEY_LENGTH, systemClock } from '../../core/index.js';
import type { PriceApi, PriceQuery, Quote } from '../../prices/index.js';
import type { PriceApiName } from '../../prices/apis/names.js';
import { report, UsageError, type Secrets } from '../errors.js';
import { print, type CliIo } from '../io.js';
import { priceApi } from '../options/price-api.js';
import type { KeyOptions } from '../options/store-options.js';
import { intervalOf, watch } from './price-watch.js';
import { keyTimeoutOf, providerOf } from '../options/store.js';

/** The options of `price`. */
export interface PriceOptions extends KeyOptions {
  api: PriceApiName;
  apiUrl?: string | undefined;
  json?: boolean | undefined;
  watch?: string | true | undefined;
  verbose?: boolean | undefined;
}

/** What a price took. */
interface About {
  readonly requestMs: number | undefined;
  readonly store: string;
  readonly loads: number;
  readonly version?: string | undefined;
  readonly fingerprint?: string | undefined;
}

/** The main job, once or again and again: decrypt the key, ask for prices with it, tell what it took. */
export async function price(
  io: CliIo,
  names: readonly string[],
  options: PriceOptions,
  secrets: Secrets,
): Promise<void> {
  const interval = intervalOf(options.watch);
  const symbols = symbolsOf(names);
  const keyTimeout = keyTimeoutOf(io, options);
  const api = timed(await priceApi(options.api, { baseUrl: options.apiUrl }));
  const keyProvider = await providerOf(io, options);
  // One client for every round: the key stays cached, and a refused one is repaired.
  await using gold = new GoldDataClient({
    keyProvider,
    ...api.functions,
    keyTimeout,
    timeout: keyTimeout + 10_000,
    clock: io.clock,
  });
  const store = keyProvider.name === 'aws-kms' ? 'kms' : keyProvider.name;
  const round = async (signal?: AbortSignal): Promise<void> => {
    const quotes = await gold.getPrices(symbols, { signal });
    const { version, fingerprint, counts } = gold.status();
    const lines = quotes.map((quote) => {
      const about: About = { requestMs: api.took.get(quote), store, loads: counts.loads, version, fingerprint };
      const { raw: _, ...shown } = quote;
      if (options.json === true) return JSON.stringify({ ...shown, ...about });
      return interval === undefined && quotes.length === 1 ? inFull(quote, about) : inALine(quote);
    });
    // In one piece: who reads a pipe gets whole rounds.
    print(io, lines.join('\n'));
  };
  if (interval === undefined) await round();
  else {
    await watch(io, io.clock ?? systemClock, interval, {
      round,
      failed: (error) => void report(io, error, secrets, options.verbose === true),
    });
  }
}

/**
 * Whatever stands where a symbol is expected may be a key: no message repeats it, and no regular expression reads it. What
 * is too short for a key may be typed in small letters.
 */
function symbolsOf(names: readonly string[]): string[] {
  const symbols = names.map((name) => (name.length < MIN_KEY_LENGTH ? name.toUpperCase() : name));
  if (symbols.every((symbol) => symbol.length <= 16 && symbol !== '' && symbol === symbol.toUpperCase()))
    return symbols;
  throw new UsageError('A symbol is of capital letters, e.g. XAU; a key never comes from the command line.');
}

/** The API's functions, and how long the request of each quote took. */
function timed({ fetchPrice, fetchPrices, isKeyRejected, isTransient }: PriceApi) {
  const took = new WeakMap<Quote, number>();
  const measured = async (work: () => Promise<Quote[]>): Promise<Quote[]> => {
    const start = performance.now();
    const quotes = await work();
    for (const quote of quotes) took.set(quote, Math.round(performance.now() - start));
    return quotes;
  };
  const functions: PriceApi = {
    async fetchPrice(query, context) {
      const [quote] = await measured(async () => [await fetchPrice(query, context)]);
      return quote as Quote;
    },
    ...(fetchPrices !== undefined && {
      fetchPrices: (queries: ReadonlyArray<string | PriceQuery>, context: Parameters<PriceApi['fetchPrice']>[1]) =>
        measured(() => fetchPrices(queries, context)),
    }),
    isKeyRejected,
    isTransient,
  };
  return { functions, took };
}

function inFull(quote: Quote, about: About): string {
  const name = about.store === 'kms' ? 'KMS' : `The ${about.store} store`;
  return [
    priceOf(quote),
    `${quote.source} answered in ${String(about.requestMs)} ms; the price is of ${timeOf(quote)}`,
    `${name} was called ${about.loads === 1 ? 'once' : `${String(about.loads)} times`} (key ${String(about.version)})`,
  ].join('\n');
}

function inALine(quote: Quote): string {
  return `${priceOf(quote)}, ${timeOf(quote)}`;
}

function priceOf({ metal, price: amount, currency, unit }: Quote): string {
  return `${metal} ${allDigits(amount)} ${currency} per ${unit.replace('_', ' ')}`;
}

function timeOf({ timestamp }: Quote): string {
  return new Date(timestamp).toISOString();
}

/** As exact as the number is: rounding is left to whoever knows what the price is for. At least cents. */
function allDigits(amount: number): string {
  const text = String(amount);
  const cents = amount.toFixed(2);
  return Number(cents) === amount ? cents : text;
}
