import { PRICE_APIS } from '../../../src/prices/apis/names.js';
import { PriceApiError, type PriceApi, type Quote } from '../../../src/prices/index.js';
import { APIS } from '../../prices/apis.js';
import { contextOf } from '../../prices/scripted-api.js';
import { check, checkError, checkHidden, checkLastMatch, clearLastMatch, KEY, KEY_WORDS, putKey } from '../lib/key.js';
import type { Target } from '../lib/target.js';

/** The moment of every run, which the prices of the corpus belong to. */
const NOW = Date.UTC(2026, 10, 27, 12);
const KINDS = ['key-rejected', 'quota', 'rate-limited', 'plan', 'bad-request', 'implausible', 'transient'];
const METALS = ['XAU', 'XAG', 'XPT', 'XPD'];

/**
 * Answers of the seven price APIs, after a line such as `goldapi 200 XAU USD`; two pairs are asked for at once. Each ends in a
 * price above zero of what was asked for, or in a typed error.
 */
export const target: Target = {
  words: [
    ...[...PRICE_APIS, ...METALS, 'USD', 'EUR', 'GBX', 'GBp', 'gold', 'silver', 'toz', 'per ounce', 'gram', 'kilogram'],
    ...['200', '401', '403', '429', '500', '302', 'XAU USD XAG EUR', '1795780800', '1795780800000', '2026-11-27'],
    ...[
      '{{key:JSON-escaped}}',
      '{{key:URL-encoded}}',
      '{{key:base64}}',
      '{{key:hex}}',
      '{{key:list}}',
      '{{key:escaped}}',
      ...KEY_WORDS,
    ],
  ],
  async run(input) {
    const text = input.toString('utf8');
    const end = text.indexOf('\n');
    const [name = '', code = '', ...words] = text.slice(0, Math.max(0, end)).split(' ');
    const api = APIS.find((one) => one.api === name) ?? APIS[name.length % APIS.length];
    const status = /^[1-5]\d\d$/.test(code) ? Number(code) : 200;
    const pairs = [0, 2].flatMap((at) => {
      const [metal = 'XAU', currency = 'USD'] = words.slice(at);
      return at === 0 || words.length > 2 ? [{ metal, currency }] : [];
    });
    const body = putKey(text.slice(end + 1));
    const dispatcher = answerWith(status, body);
    const made = api?.make({ dispatcher, maxBodySize: 1_000_000 });
    check(made !== undefined, 'There is no such price API.');
    clearLastMatch();
    const now = Date.now;
    Date.now = () => NOW;
    let quotes: Quote[];
    try {
      quotes = await ask(made, pairs);
    } catch (error) {
      checkLastMatch();
      checkError(error);
      const isTyped = error instanceof PriceApiError && KINDS.includes(error.kind) && error.source === api?.api;
      check(isTyped, 'It is not a PriceApiError.');
      return;
    } finally {
      Date.now = now;
    }
    checkLastMatch();
    checkHidden(quotes, 'The quotes');
    if (!text.includes('{{') && !holdsPart(body))
      for (const { raw } of quotes) check(isSame(raw, JSON.parse(body)), '`raw` is not the answer.');
    check(quotes.length === pairs.length, 'There are more or fewer quotes than pairs.');
    for (const [index, pair] of pairs.entries()) checkQuote(quotes[index] as Quote, pair, api?.api ?? '');
    check(status >= 200 && status < 300, `A price came with HTTP ${String(status)}.`);
  },
};

/** Returns whether a text has eight characters of the key in a row: what is left of a key that was cut off is hidden, too. */
function holdsPart(text: string): boolean {
  const parts = Array.from({ length: KEY.length - 7 }, (_, at) => KEY.slice(at, at + 8));
  return parts.some((part) => text.toLowerCase().includes(part.toLowerCase()));
}

/** Returns a dispatcher that answers every request in the same way. */
function answerWith(statusCode: number, body: string) {
  const chunks = [Buffer.from(body)];
  return { request: async () => ({ statusCode, headers: {}, body: chunks }) };
}

async function ask(
  { fetchPrice, fetchPrices }: PriceApi,
  pairs: Parameters<PriceApi['fetchPrice']>[0][],
): Promise<Quote[]> {
  const context = contextOf(KEY);
  if (pairs.length > 1 && fetchPrices !== undefined) return fetchPrices(pairs, context);
  const quotes: Quote[] = [];
  for (const pair of pairs) quotes.push(await fetchPrice(pair, context));
  return quotes;
}

/** Returns whether `raw` is the parsed answer, but for numbers with more digits than a double holds. */
function isSame(raw: unknown, parsed: unknown): boolean {
  if (typeof parsed === 'number') return Object.is(typeof raw === 'string' ? Number(raw) : raw, parsed);
  if (typeof parsed !== 'object' || parsed === null) return raw === parsed;
  const [names, others] = [Object.keys(raw as object), Object.keys(parsed)];
  return names.length === others.length && names.every((name) => isSame(read(raw, name), read(parsed, name)));
}

function read(value: unknown, name: string): unknown {
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}

function checkQuote(quote: Quote, pair: { metal: string; currency: string }, source: string): void {
  const { metal, currency, price, bid = price, ask: sellers = price, timestamp, unit } = quote;
  check(metal === pair.metal && currency === pair.currency, 'The price is not of what was asked for.');
  for (const amount of [price, bid, sellers]) {
    check(typeof amount === 'number' && amount > 0 && amount < Infinity, `A price of ${String(amount)}.`);
  }
  check(timestamp > NOW - 8 * 86_400_000 && timestamp <= NOW + 300_000, `A price of the time ${String(timestamp)}.`);
  check(unit === 'troy_ounce' && quote.source === source, 'The price has another unit or source.');
  check(['direct', 'inverted'].includes(quote.direction), 'The price has no direction.');
}
