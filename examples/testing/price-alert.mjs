// The code under test. It is given its client, so that a test can give it another one.
export async function priceAlert(gold, { symbol, above }) {
  const { price, currency } = await gold.getPrice(symbol);
  return price > above ? `${symbol} is at ${price.toFixed(2)} ${currency}` : undefined;
}
