/** What there may be to ask for; of a price API that does not serve all of it the rest is asked. */
const QUERIES = [
  ...['XAU', 'XAG', 'XPT', 'XPD'],
  ...[
    { metal: 'XAU', currency: 'EUR' },
    { metal: 'XAG', currency: 'GBP' },
  ],
];
/** The fake's prices of an ounce in dollars. */
const DOLLARS = { XAU: 2199.5135616442817, XAG: 25.34, XPT: 905.75, XPD: 1012.5 };

/** A quote without its time and its body, to compare to the last bit. */
const shapeOf = ({ metal, currency, price, unit, bid, ask, source, direction }) =>
  JSON.stringify({ metal, currency, price, unit, bid, ask, source, direction });

/** The quotes of a quiet moment, which those of the whole day have to equal. */
export class KnownQuotes {
  #known = [];

  /** Asks for each with nothing wrong, and holds what comes to the API's prices. */
  async learn(gold) {
    for (const query of QUERIES) {
      const quote = await gold.getPrice(query, { once: true }).catch(() => undefined);
      if (quote === undefined) continue;
      const price = quote.currency === 'USD' ? DOLLARS[quote.metal] : quote.price;
      if (!(Math.abs(quote.price / price - 1) < 1e-9))
        throw new Error(`A wrong price to begin with: ${shapeOf(quote)}`);
      this.#known.push({ query, shape: shapeOf(quote) });
    }
    if (this.#known.length === 0) throw new Error('The price API serves nothing.');
  }

  /** The queries at these places, counted around. */
  at(indexes) {
    return indexes.map((index) => this.#known[index % this.#known.length]);
  }

  /** What is wrong with an answer to queries that were picked so. */
  flawIn(quotes, picked) {
    if (!Array.isArray(quotes) || quotes.length !== picked.length) return 'not the quotes asked for';
    for (const [index, quote] of quotes.entries()) {
      if (shapeOf(quote) !== picked[index].shape) return `a quote that differs: ${shapeOf(quote)}`;
      if (!Number.isFinite(quote.timestamp)) return 'a quote without its time';
    }
    return undefined;
  }
}
