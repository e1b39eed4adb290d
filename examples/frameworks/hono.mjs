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
  const { status, headers, body } = toAnswer(error);
  return context.json(body, status, headers);
});
