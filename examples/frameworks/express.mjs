import express from 'express';
import { gold, toAnswer, untilClosed } from './gold.mjs';

export const app = express();
app.locals.gold = gold;
app.get('/price/:symbol', async (request, response) => {
  const { price } = await app.locals.gold.getPrice(request.params.symbol, { signal: untilClosed(response) });
  response.json({ price });
});
// Express knows an error handler by its four parameters.
app.use((error, _request, response, next) => {
  const answer = toAnswer(error);
  if (answer === undefined) next(error);
  else response.status(answer.status).set(answer.headers).json(answer.body);
});

/** Ends the process without cutting a call: `process.once('SIGTERM', () => shutDown(server))`. */
export function shutDown(server) {
  server.close(() => gold.close());
}
