// A price function on axios, for a price API that goldkey does not know or an HTTP client that you already use. An error
// with status 401 means that the key is refused: goldkey reads the key again and repeats the call once.
//
//   MASTER_KEY_FILE, GOLD_API_KEY_CIPHERTEXT   as in ../stores/local-script.mjs; any other key store will do
//   PRICE_API_URL                              where the API is
import axios from 'axios';
import { GoldDataClient } from 'goldkey';
import { fromLocal } from 'goldkey/local';

const gold = new GoldDataClient({
  keyProvider: fromLocal({
    masterKeyFile: process.env.MASTER_KEY_FILE ?? './master.key',
    ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
    encryptionContext: { service: 'gold-data-stream' },
  }),
  async fetchPrice(symbol, { apiKey, signal }) {
    const { data } = await axios.get(`${process.env.PRICE_API_URL ?? 'https://metals-api.com/api'}/latest`, {
      params: { access_key: apiKey, base: 'USD', symbols: symbol },
      // The call's deadline.
      signal,
      maxRedirects: 0,
    });
    // This API sends some refusals under HTTP 200.
    if (data.success !== true) throw Object.assign(new Error('refused'), { apiCode: data.error?.code });
    // Dollars per ounce. `rates.XAU` would be ounces per dollar.
    return data.rates[`USD${symbol}`];
  },
  isKeyRejected({ error }) {
    const { response, apiCode } = /** @type {any} */ (error ?? {});
    return response?.status === 401 || apiCode === 101 || apiCode === 102;
  },
});

try {
  console.log(`XAU ${(await gold.getPrice('XAU')).toFixed(2)} USD per troy ounce`);
} catch (error) {
  // axios puts the URL, with the key, into its errors; what leaves the client has the key removed.
  console.error(error);
  process.exitCode = 1;
} finally {
  await gold.close();
}
