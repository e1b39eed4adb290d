import { computeFingerprint, GoldDataClient, MIN_KEY_LENGTH, type KeyContext } from '../../core/index.js';
import type { PriceApi, Quote } from '../../prices/index.js';
import { isMetalSymbol, KNOWN_METALS } from '../../prices/values/metals.js';
import { reportError, UsageError } from '../errors.js';
import { print, type CliRun } from '../io.js';
import { createPriceApi } from '../options/price-api.js';
import type { CommandOptions } from '../options/command-options.js';
import { checkVersion, chooseKeyTimeout, chooseVersion, openStore } from '../options/store.js';
import { showProgress } from '../spinner.js';
import { runRounds } from './price-watch.js';

/** Decrypts the key, asks for prices with it, once or in rounds, and prints them. */
export async function price(run: CliRun, names: readonly string[], options: CommandOptions): Promise<void> {
  const { io, secrets } = run;
  const symbols = parseSymbols(names);
  const { watch: interval, json } = options;
  const keyTimeout = chooseKeyTimeout(io, options);
  const requests = new WeakMap<Quote, PriceRequest>();
  const api = recordRequests(await createPriceApi(io, options), requests);
  const asked = chooseVersion(io, options);
  const keyProvider = await openStore(io, options, { version: asked });
  const timeout = keyTimeout + 10_000;
  // One client for all rounds: the key stays cached, and a rejected one is repaired.
  await using gold = new GoldDataClient({ keyProvider, ...api, keyTimeout, timeout, clock: io.clock });
  const [store, storeName] =
    keyProvider.name === 'aws-kms' ? ['kms', 'KMS'] : [keyProvider.name, `The ${keyProvider.name} store`];
  const ask = async (signal?: AbortSignal): Promise<void> => {
    const asking = gold.getPrices(symbols, { signal });
    const quotes = await (interval === undefined ? showProgress(io, 'asking for the price', asking) : asking);
    const { loads } = gold.status().counts;
    checkVersion(gold.status().version, asked, options.ring);
    const lines = quotes.map((quote) => {
      const { requestMs, version, fingerprint } = requests.get(quote) as PriceRequest;
      const { raw: _, ...shown } = quote;
      if (json === true) return JSON.stringify({ ...shown, requestMs, store, loads, version, fingerprint });
      const time = new Date(quote.timestamp).toISOString();
      if (interval !== undefined || quotes.length > 1) return `${formatPrice(quote)}, ${time}`;
      return [
        formatPrice(quote),
        `${quote.source} answered in ${String(requestMs)} ms; the price is of ${time}`,
        `${storeName} was called ${loads === 1 ? 'once' : `${String(loads)} times`} (key ${version})`,
      ].join('\n');
    });
    // One write, so that the reader of a pipe gets whole rounds.
    print(io, lines.join('\n'));
  };
  if (interval === undefined) return await ask();
  const onError = (error: unknown): void => void reportError(io, error, { secrets, argv: run.argv });
  await runRounds({ io, interval, onError }, ask);
}

/**
 * Checks symbols, and upper-cases those that are too short for a key. Each may be a key typed by mistake, so no message
 * repeats it and no regular expression reads it.
 */
function parseSymbols(names: readonly string[]): string[] {
  const symbols = names.map((name) => (name.length < MIN_KEY_LENGTH ? name.toUpperCase() : name));
  if (!symbols.every((symbol) => symbol.length <= 16 && symbol !== '' && symbol === symbol.toUpperCase())) {
    throw new UsageError('A symbol is of capital letters, e.g. XAU; a key never comes from the command line.');
  }
  // A currency, or the name of a metal.
  if (!symbols.every((symbol) => isMetalSymbol(symbol)))
    throw new UsageError(`Each symbol must be a metal's: ${KNOWN_METALS}.`);
  return symbols;
}

/** The request that fetched a quote. The key is that of its last run: after a refusal it is not the client's first choice. */
interface PriceRequest {
  readonly requestMs: number;
  readonly version: string;
  readonly fingerprint: string;
}

/** Returns `api` with functions that record the request of each quote. */
function recordRequests(
  { fetchPrice, fetchPrices, ...rest }: PriceApi,
  requests: WeakMap<Quote, PriceRequest>,
): PriceApi {
  const record =
    <Q, R extends Quote | Quote[]>(ask: (query: Q, context: KeyContext) => Promise<R>) =>
    async (query: Q, context: KeyContext): Promise<R> => {
      const start = performance.now();
      const answer = await ask(query, context);
      const requestMs = Math.round(performance.now() - start);
      const request = { requestMs, version: context.version, fingerprint: computeFingerprint(context.bytes) };
      for (const quote of [answer].flat()) requests.set(quote as Quote, request);
      return answer;
    };
  return {
    ...rest,
    fetchPrice: record(fetchPrice),
    ...(fetchPrices !== undefined && { fetchPrices: record(fetchPrices) }),
  };
}

/** Formats the price with two to four decimals; `--json` has all of them. */
function formatPrice({ metal, price: amount, currency, unit }: Quote): string {
  const cents = amount.toFixed(2);
  const shown = Number(cents) === amount ? cents : amount.toFixed(4);
  return `${metal} ${shown} ${currency} per ${unit.replace('_', ' ')}`;
}
