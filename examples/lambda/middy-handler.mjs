// A Middy handler, Middy 6 or 7. Other middlewares find the client in `request.internal.goldkey`; the key is nowhere in it.
import middy from '@middy/core';
import { isGoldKeyError } from 'goldkey';
import { goldKeyMiddleware } from 'goldkey/lambda';
import { gold } from './client.mjs';

/** Answers 503 where waiting helps, and 502 elsewhere. */
const answerGoldKeyErrors = {
  onError(request) {
    const { error } = request;
    if (!isGoldKeyError(error)) return;
    const { code, retryable, retryAfter } = error;
    const headers = retryAfter === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfter / 1_000)) };
    request.response = { statusCode: retryable ? 503 : 502, headers, body: JSON.stringify({ error: code }) };
  },
};

export const handler = middy()
  // First, so that it limits the calls of the other middlewares too.
  .use(goldKeyMiddleware(gold, { margin: 1_000 }))
  .use(answerGoldKeyErrors)
  .handler(async (event) => {
    const { price } = await gold.getPrice(event.pathParameters?.symbol ?? 'XAU');
    return { statusCode: 200, body: JSON.stringify({ price }) };
  });
