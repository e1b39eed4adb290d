// A service in a container: the key is a mounted secret of Docker or Kubernetes. Kubernetes swaps it under the running
// process. The new key is in use within seconds, and a call that is refused in between is repaired.
//
//   KEY_FILE        default /run/secrets/gold-api-key
//   PRICE_API_URL   optional
import { GoldDataClient } from 'goldkey';
import { fromFile } from 'goldkey/file';
import { metalsApi } from 'goldkey/prices';

const gold = new GoldDataClient({
  keyProvider: fromFile({ path: process.env.KEY_FILE ?? '/run/secrets/gold-api-key' }),
  ...metalsApi({ baseUrl: process.env.PRICE_API_URL }),
});
gold.on('repaired', ({ from, version }) => console.error(`key ${from} was refused, ${version} works`));

try {
  const { metal, price, currency } = await gold.getPrice('XAU');
  console.log(`${metal} ${price.toFixed(2)} ${currency}`);
} finally {
  await gold.close();
}
