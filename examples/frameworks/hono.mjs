import { Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import { gold, toAnswer } from './gold.mjs';

const withGold = createMiddleware(async (context, next) => {
  context.set('gold', gold);
  await next();
});

export const app = new Hono().use(withGold);
app.get('/price/:symbol', async (context) => {
  const { signal } = context.req.raw;
  const { price } = await context.var.gold.getPrice(context.req.param('symbol'), { signal });
  return context.json({ price });
});
app.onError((error, context) => {
  const answer = toAnswer(error);
  if (answer === undefined) return context.text('Internal Server Error', 500);
  return context.json(answer.body, answer.status, answer.headers);
});
