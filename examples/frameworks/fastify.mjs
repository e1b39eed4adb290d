import Fastify from 'fastify';
import fp from 'fastify-plugin';
import { gold, toAnswer, untilClosed } from './gold.mjs';

const goldPlugin = fp(
  async (fastify) => {
    fastify.decorate('gold', gold);
    fastify.addHook('onClose', () => gold.close());
  },
  { fastify: '5.x', name: 'gold' },
);

export const app = Fastify().register(goldPlugin);
app.setErrorHandler((error, _request, reply) => {
  const answer = toAnswer(error);
  if (answer === undefined) return reply.send(error);
  return reply.code(answer.status).headers(answer.headers).send(answer.body);
});
app.get('/price/:symbol', async ({ params }, reply) => {
  const { price } = await app.gold.getPrice(params.symbol, { signal: untilClosed(reply.raw) });
  return { price };
});
