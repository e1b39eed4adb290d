import express from 'express';
import { toAnswer } from './answer.mjs';
import { verify } from './signing.mjs';

export const app = express();
// The bytes as they were sent: not parsed, and not inflated.
app.use(express.raw({ type: () => true, inflate: false, limit: '100kb' }));
app.use(async (request, _response, next) => {
  const { method, originalUrl: target, headers, body = Buffer.alloc(0) } = request;
  request.signature = await verify({ method, target, headers, body });
  next();
});
app.post('/orders', ({ body, signature }, response) => {
  response.json({ metal: JSON.parse(body).metal, key: signature.version });
});
// Express knows an error handler by its four parameters.
app.use((error, _request, response, next) => {
  const answer = toAnswer(error);
  if (answer === undefined) next(error);
  else response.status(answer.status).json(answer.body);
});
