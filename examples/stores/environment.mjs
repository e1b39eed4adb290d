// On a laptop: the key is in an environment variable. With NODE_ENV=production this is refused.
//
//   GOLD_API_KEY    the key
//   PRICE_API_URL   optional
import { GoldDataClient } from 'goldkey';
import { fromEnvironment } from 'goldkey/env';
import { metalsApi } from 'goldkey/prices';

const gold = new GoldDataClient({
  keyProvider: fromEnvironment('GOLD_API_KEY'),
  ...metalsApi({ baseUrl: process.env.PRICE_API_URL }),
});

try {
  const { metal, price, currency } = await gold.getPrice('XAU');
  console.log(`${metal} ${price.toFixed(2)} ${currency}`);
} finally {
  await gold.close();
}
