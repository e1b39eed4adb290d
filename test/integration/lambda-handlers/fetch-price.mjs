/** Asks metals-api for one price with the global fetch. */
export async function fetchPrice(symbol, key) {
  const response = await fetch(
    `${process.env.PRICE_API_URL}/latest?access_key=${encodeURIComponent(key)}&base=USD&symbols=${symbol}`,
  );
  if (!response.ok) throw new Error(`metals-api answered ${response.status}`);
  const { rates } = await response.json();
  return { metal: symbol, price: rates[`USD${symbol}`] };
}
