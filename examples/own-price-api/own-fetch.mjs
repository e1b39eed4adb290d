// A price function of your own on the global fetch, for an API that goldkey/prices does not have.
//
//   GOLD_API_KEY    the key (in production take a key store that encrypts it)
//   PRICE_API_URL   where the API is: GET <url>/XAU/USD answers { "price": 2199.5, "timestamp": 1767312000 }
import { GoldDataClient, isGoldKeyError } from 'goldkey';
import { fromEnvironment } from 'goldkey/env';

const gold = new GoldDataClient({
  keyProvider: fromEnvironment('GOLD_API_KEY'),
  // `signal` ends the request at the call's deadline. Read `apiKey` here and do not keep it.
  async fetchPrice(symbol, { apiKey, signal }) {
    const response = await fetch(`${process.env.PRICE_API_URL}/${symbol}/USD`, {
      headers: { 'x-access-token': apiKey },
      redirect: 'error',
      signal,
    });
    if (!response.ok) {
      await response.body?.cancel();
      // goldkey reads `status` (401 repairs the call, 429 and 5xx are retried) and the header `retry-after`.
      const { status, headers } = response;
      throw Object.assign(new Error(`The price API answered with HTTP ${status}.`), { status, headers });
    }
    const { price, timestamp } = /** @type {any} */ (await response.json());
    // A number that is not a price is not worth a trade.
    if (!(price > 0 && price < 1e6)) throw new Error('The price API answered without a plausible price.');
    return { symbol, price, at: new Date(timestamp * 1000) };
  },
  // This API also refuses a key with 403.
  isKeyRejected: ({ error }) => [401, 403].includes(/** @type {any} */ (error)?.status),
});

try {
  const { price } = await gold.getPrice('XAU');
  console.log(`XAU ${price.toFixed(2)} USD per troy ounce`);
} catch (error) {
  console.error(isGoldKeyError(error) ? `${error.code}: ${error.message}` : error);
  process.exitCode = 1;
} finally {
  await gold.close();
}
