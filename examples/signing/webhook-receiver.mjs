// Receives webhooks in the format of Standard Webhooks.
//
//   WEBHOOK_SECRET_FILE   the secret (`whsec_…`), in a file of its own
import express from 'express';
import { KeyedClient } from 'goldkey';
import { fromFile } from 'goldkey/file';
import { webhookVerifier } from 'goldkey/hmac';
import { toAnswer } from './answer.mjs';

const client = new KeyedClient({ keyProvider: fromFile({ path: process.env.WEBHOOK_SECRET_FILE }) });
const verifier = webhookVerifier(client);
const handled = new Set();

export const app = express();
app.post('/webhooks', express.raw({ type: () => true, inflate: false, limit: '100kb' }), async (request, response) => {
  const { id } = await verifier.verify({ headers: request.headers, body: request.body });
  // It is sent again, with a new signature, until it is answered with 2xx. In production: a table with a unique `id`.
  const isNew = !handled.has(id);
  handled.add(id);
  if (isNew) console.log(`${id}: ${JSON.parse(request.body).type}`);
  response.status(204).end();
});
app.use((error, _request, response, next) => {
  const answer = toAnswer(error);
  if (answer === undefined) next(error);
  else response.status(answer.status).json(answer.body);
});
