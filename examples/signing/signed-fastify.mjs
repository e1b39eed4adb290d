import Fastify from 'fastify';
import { toAnswer } from './answer.mjs';
import { verify } from './signing.mjs';

export const app = Fastify({ bodyLimit: 100_000 });
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
app.decorateRequest('signature', null);
app.addHook('preHandler', async (request) => {
  const { method, originalUrl: target, headers, body = Buffer.alloc(0) } = request;
  request.signature = await verify({ method, target, headers, body });
});
app.setErrorHandler((error, _request, reply) => {
  const answer = toAnswer(error);
  return answer === undefined ? reply.send(error) : reply.code(answer.status).send(answer.body);
});
app.post('/orders', async ({ body, signature }) => ({ metal: JSON.parse(body).metal, key: signature.version }));
