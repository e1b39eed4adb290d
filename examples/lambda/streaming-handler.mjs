// A handler that streams its response: a line for each metal, as soon as its price is there.
import { once } from 'node:events';
import { withGoldKey } from 'goldkey/lambda';
import { gold } from './client.mjs';

export const handler = withGoldKey(
  gold,
  // Lambda's runtime brings `awslambda`. What it marks on the handler is marked on the wrapper.
  awslambda.streamifyResponse(async (event, stream) => {
    for (const symbol of event.symbols ?? ['XAU', 'XAG']) {
      const { price } = await gold.getPrice(symbol);
      stream.write(`${JSON.stringify({ symbol, price })}\n`);
    }
    stream.end();
    await once(stream, 'finish');
  }),
);
