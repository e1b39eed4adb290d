import { Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import { toAnswer } from './answer.mjs';
import { verify } from './signing.mjs';

const signed = createMiddleware(async (context, next) => {
  const { method, url, headers } = context.req.raw;
  const target = url.slice(url.indexOf('/', 'https://'.length));
  const body = new Uint8Array(await context.req.arrayBuffer());
  context.set('signature', await verify({ method, target, headers, body }));
  await next();
});

export const app = new Hono().use(signed);
app.post('/orders', async (context) => {
  const { metal } = await context.req.json();
  return context.json({ metal, key: context.var.signature.version });
});
app.onError((error, context) => {
  const answer = toAnswer(error);
  if (answer === undefined) return context.text('Internal Server Error', 500);
  return context.json(answer.body, answer.status);
});
