// lambda-light-handler.mjs with the wrapper in place of its own time and clean-up: on demand the key is loaded while the
// function initialises, a call ends before Lambda would end the invocation, and no load is frozen half done.
//
//   GOLD_API_KEY_CIPHERTEXT   what `npx goldkey encrypt` printed; the role needs kms:Decrypt on the key
//   PRICE_API_URL             optional
import { withGoldKey } from 'goldkey/lambda';
import { gold } from './client.mjs';

export const handler = withGoldKey(gold, async (/** @type {{ symbol?: string }} */ event) => {
  const { metal, price, currency, timestamp } = await gold.getPrice(event.symbol ?? 'XAU');
  return { metal, price, currency, timestamp };
});
