import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Agent, request as send } from 'undici';

const sign = (key, symbol) => createHmac('sha256', key).update(symbol).digest('hex');

/** Starts a price API that is sent an HMAC of the symbol under the key, and takes those of the keys in `accepted`. */
export async function startSigningApi() {
  const accepted = new Set();
  const server = createServer((request, response) => {
    const symbol = request.url.slice(1);
    const known = [...accepted].some((key) => sign(key, symbol) === request.headers.signature);
    response.writeHead(known ? 200 : 401, { 'content-type': 'application/json' });
    response.end(JSON.stringify(known ? { symbol, price: 2_345.6 } : { message: 'The signature is of no key.' }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${String(server.address().port)}`, accepted, close };
}

/** Connections of one process to the price API, as a service would bound them. */
const CONNECTIONS = 64;

/** Returns a function for `fetchPrice` that reads the bytes of the key and makes no string of it: memory can be searched for it. */
export function signedFetch(url) {
  const dispatcher = new Agent({ connections: CONNECTIONS });
  return async function fetchPrice(symbol, { bytes, signal }) {
    const headers = { signature: sign(bytes, symbol) };
    const { statusCode: status, body } = await send(`${url}/${symbol}`, { headers, signal, dispatcher });
    const answer = await body.json();
    if (status !== 200) throw Object.assign(new Error(answer.message), { status });
    // An HTTP client takes an answer that comes twice for the one of its next request.
    if (answer.symbol !== symbol)
      throw Object.assign(new Error('This answers another request.'), { code: 'DUPLICATE' });
    return answer;
  };
}
