// Behind a gateway that knows no standard: verifies `x-signature`, `x-timestamp` and `x-nonce`.
//
//   SIGNING_KEY_FILE, ORIGIN   as for signing.mjs
import express from 'express';
import { plainVerifier } from 'goldkey/hmac';
import { toAnswer } from './answer.mjs';
import { client } from './signing.mjs';

const verifier = plainVerifier(client);

export const app = express();
app.use(express.raw({ type: () => true, inflate: false, limit: '100kb' }));
app.use(async (request, response) => {
  const { method, originalUrl, headers, body = Buffer.alloc(0) } = request;
  const { version } = await verifier.verify({ method, url: `${process.env.ORIGIN}${originalUrl}`, headers, body });
  response.json({ metal: JSON.parse(body).metal, key: version });
});
app.use((error, _request, response, next) => {
  const answer = toAnswer(error);
  if (answer === undefined) next(error);
  else response.status(answer.status).json(answer.body);
});
