// A service that answers GET /price/XAU. The encrypted key is in the environment; KMS is asked every five minutes.
//
//   GOLD_API_KEY_CIPHERTEXT   what `npx goldkey encrypt --key-id alias/gold-api-keys …` printed
//   AWS_REGION, credentials   as for any AWS SDK (AWS_ENDPOINT_URL_KMS points it elsewhere)
//   PRICE_API_URL, PORT       optional
import { createServer } from 'node:http';
import { GoldDataClient, isGoldKeyError } from 'goldkey';
import { fromKms } from 'goldkey/kms';
import { metalsApi, PriceApiError } from 'goldkey/prices';

const gold = new GoldDataClient({
  keyProvider: fromKms({
    ciphertext: () => process.env.GOLD_API_KEY_CIPHERTEXT,
    encryptionContext: { service: 'gold-data-stream', environment: 'production' },
    keyId: 'alias/gold-api-keys',
  }),
  ...metalsApi({ baseUrl: process.env.PRICE_API_URL, maxChange: 0.2 }),
});

// Versions and fingerprints only: no event holds a key.
gold.on('repaired', ({ from, version }) => console.warn(`the price API refused ${from}; ${version} works`));
gold.on('load-failed', ({ error }) => console.warn(`the key could not be loaded: ${error.message}`));

const server = createServer(async (request, response) => {
  const symbol = /^\/price\/([A-Z]{3})$/.exec(request.url ?? '')?.[1];
  if (symbol === undefined) {
    response.writeHead(404).end();
    return;
  }
  try {
    const { price, currency, unit, timestamp } = await gold.getPrice(symbol);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ symbol, price, currency, unit, timestamp }));
  } catch (error) {
    console.error(error);
    if (error instanceof PriceApiError && error.kind === 'bad-request') {
      response.writeHead(404).end();
    } else if (isGoldKeyError(error) && error.retryable) {
      response.writeHead(503, { 'retry-after': String(Math.ceil((error.retryAfter ?? 1000) / 1000)) }).end();
    } else {
      response.writeHead(502).end();
    }
  }
});

// A wrong configuration shows at the start, not at the first request.
await gold.prefetch();
server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  console.log(`http://127.0.0.1:${port}/price/XAU`);
});

process.once('SIGTERM', () => {
  // Running requests get their answers; then the key is zeroed.
  server.close(() => gold.close());
  server.closeIdleConnections();
});
