// Sends a signed order, to any of the services beside it.
//
//   SIGNING_KEY_FILE   the key, in a file of its own
//   ORIGIN             the service's address
import { hmacSigner } from 'goldkey/hmac';
import { client } from './signing.mjs';

const { fetch } = hmacSigner(client);
const response = await fetch(`${process.env.ORIGIN}/orders?limit=10`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ metal: 'XAU' }),
});
console.log(response.status, await response.text());
await client.close();
