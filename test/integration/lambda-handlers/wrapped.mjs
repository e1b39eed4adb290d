// Handlers of goldkey/lambda, by what the event asks for.
import { GoldDataClient } from 'goldkey';
import { fromKmsLight } from 'goldkey/kms-light';
import { goldKeyMiddleware, withGoldKey } from 'goldkey/lambda';
import { metalsApi } from 'goldkey/prices';
import middy6 from '@middy/core';
import middy7 from 'middy-7';

/** Half of its life before a key expires, a call starts a load in the background. */
const TTL_MS = 24_000;

const gold = new GoldDataClient({
  keyProvider: fromKmsLight({
    ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
    encryptionContext: { service: 'gold-data-stream', environment: 'production' },
    keyId: process.env.KMS_KEY_ID,
  }),
  ...metalsApi({ baseUrl: process.env.PRICE_API_URL }),
  ttl: TTL_MS,
  ttlJitter: 0,
  timeout: 60_000,
});

async function answer({ symbol = 'XAU' }) {
  try {
    const { price } = await gold.getPrice(symbol);
    return { price, counts: gold.status().counts };
  } catch (error) {
    return { code: error.code };
  }
}

export const handler = withGoldKey(gold, answer);

export const unsettled = withGoldKey(gold, answer, { settle: 0 });

export const streaming = withGoldKey(
  gold,
  awslambda.streamifyResponse(async (event, stream) => {
    stream.write('first ');
    await new Promise((resolve) => setTimeout(resolve, 500));
    stream.end(JSON.stringify(await answer(event)));
    await new Promise((resolve) => stream.on('finish', resolve));
  }),
);

function withMiddy(middy) {
  return middy()
    .use(goldKeyMiddleware(gold))
    .use({
      before: ({ event, internal }) => (event.isEarly ? { early: internal.goldkey === gold } : undefined),
      after: (request) => void (request.response.seen = 'after'),
      onError: (request) => void (request.response = { seen: 'onError', message: request.error.message }),
    })
    .handler(async (event) => {
      if (event.fails) throw new Error('mine');
      return answer(event);
    });
}

export const withMiddy6 = withMiddy(middy6);
export const withMiddy7 = withMiddy(middy7);
