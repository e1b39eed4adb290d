import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../cli/run.js';
import { freePort } from '../servers/process.js';
import { built, finishedWithout, missing } from './start-example.js';

const KEY = 'sk-invented/+&=0123456789';
const SECRET = `whsec_${Buffer.from('an invented secret of 33 bytes...').toString('base64')}`;
const finished = finishedWithout(KEY, SECRET);

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let env: Record<string, string>;

beforeAll(async () => {
  folder = await temporaryFolder();
  const [keyFile, secretFile] = [join(folder.path, 'key'), join(folder.path, 'secret')];
  await writeFile(keyFile, KEY, { mode: 0o600 });
  await writeFile(secretFile, SECRET, { mode: 0o600 });
  env = {
    PATH: process.env['PATH'] ?? '',
    SIGNING_KEY_FILE: keyFile,
    WEBHOOK_SECRET_FILE: secretFile,
    ORIGIN: `http://127.0.0.1:${String(await freePort())}`,
  };
});
afterAll(() => folder[Symbol.asyncDispose]());

/** Runs a module program. Returns what it printed last, as JSON. */
async function answersOf(program: string, given = env): Promise<unknown> {
  const ran = await finished(['--input-type=module', '-e', program], given);
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  return JSON.parse(ran.stdout.trim().split('\n').at(-1) ?? '');
}

/** How each service's example is asked: `ask({ method, target, headers, body })` resolves to `[status, body]`. */
const LISTEN = `
  import { once } from 'node:events';
  const { port } = new URL(process.env.ORIGIN);
  const server = app.listen(Number(port), '127.0.0.1');
  await once(server, 'listening');
  const close = () => server.close();`;
/** Not by fetch, whose URL object would write the path anew. */
const REQUEST = `
  const ask = async ({ method, target, headers, body }) => {
    const { request } = await import('node:http');
    const { hostname, port } = new URL(process.env.ORIGIN);
    const sent = request({ hostname, port, path: target, method, headers: { ...headers, 'content-length': Buffer.byteLength(body) } });
    const [response] = await once(sent.end(body), 'response');
    return [response.statusCode, JSON.parse(Buffer.concat(await response.toArray()).toString())];
  };`;
const ASK = {
  'signed-express': `import { app } from './examples/signing/signed-express.mjs'; ${LISTEN} ${REQUEST}`,
  'signed-fastify': `
    import { once } from 'node:events';
    import { app } from './examples/signing/signed-fastify.mjs';
    await app.listen({ host: '127.0.0.1', port: Number(new URL(process.env.ORIGIN).port) });
    const close = () => app.close();
    ${REQUEST}`,
  'signed-hono': `
    import { app } from './examples/signing/signed-hono.mjs';
    const ask = async ({ method, target, headers, body }) => {
      const response = await app.request(target, { method, headers, body });
      return [response.status, await response.json()];
    };
    const close = () => undefined;`,
  'signed-lambda': `
    import { handler } from './examples/signing/signed-lambda.mjs';
    const ask = async ({ method, target, headers, body }) => {
      const [rawPath, rawQueryString = ''] = target.split('?');
      const event = {
        rawPath, rawQueryString, headers, body: Buffer.from(body).toString('base64'), isBase64Encoded: true,
        requestContext: { http: { method } },
      };
      const { statusCode, body: text } = await handler(event, { getRemainingTimeInMillis: () => 5_000 });
      return [statusCode, JSON.parse(text)];
    };
    const close = () => undefined;`,
  'plain-headers': `import { app } from './examples/signing/plain-headers.mjs'; ${LISTEN} ${REQUEST}`,
};

describe.skipIf(!built).each(Object.entries(ASK))(`the example %s.mjs ${missing}`, (name, ask) => {
  it('takes a signed order once, and answers 401 and 403 to all else', async () => {
    const answers = await answersOf(`
      import { hmacSigner, plainSigner } from 'goldkey/hmac';
      import { client } from './examples/signing/signing.mjs';
      ${ask}
      const { sign } = ${name === 'plain-headers' ? 'plainSigner' : 'hmacSigner'}(client);
      const target = '/orders?limit=10';
      const signed = async (body = JSON.stringify({ metal: 'XAU', name: 'caf\\u00e9' })) => {
        const request = { method: 'POST', url: process.env.ORIGIN + target, body };
        const headers = { 'content-type': 'application/json', ...(await sign(request)) };
        return { method: 'POST', target, headers, body };
      };
      const order = await signed();
      const answers = [await ask(order), await ask(order)];
      answers.push(await ask({ ...(await signed()), body: '{"metal":"XAG"}' }));
      answers.push(await ask({ ...(await signed()), target: '/orders?limit=11' }));
      answers.push(await ask({ ...(await signed()), target: '/admin/%2e%2e/orders?limit=10' }));
      answers.push(await ask({ ...order, headers: { 'content-type': 'application/json' } }));
      await close();
      await client.close();
      console.log(JSON.stringify(answers));`);

    const other = name === 'plain-headers' ? [401, { error: 'mismatch' }] : [403, { error: 'digest' }];
    expect(answers).toMatchObject([
      [200, { metal: 'XAU', key: expect.any(String) as string }],
      [403, { error: 'replayed' }],
      other,
      [401, { error: 'mismatch', message: expect.stringMatching(/^No live key has made/) as string }],
      // Hono routes by the path that a URL object writes, which is the one that is verified.
      name === 'signed-hono' ? [200, { metal: 'XAU' }] : [401, { error: 'mismatch' }],
      [401, { error: 'missing' }],
    ]);
  });
});

describe.skipIf(!built)(`the examples of signing ${missing}`, () => {
  it('send-order.mjs prints the answer to its order', async () => {
    const answers = await answersOf(`
      import { execFile } from 'node:child_process';
      import { promisify } from 'node:util';
      import { app } from './examples/signing/signed-express.mjs';
      ${LISTEN}
      const ran = await promisify(execFile)(process.execPath, ['examples/signing/send-order.mjs']);
      close();
      console.log(JSON.stringify(ran));`);

    expect(answers).toMatchObject({ stdout: expect.stringMatching(/^200 \{"metal":"XAU"/) as string, stderr: '' });
  });

  it('webhook-receiver.mjs handles a webhook once, however often it is sent', async () => {
    const { SIGNING_KEY_FILE: _, ...given } = env;
    const answers = await answersOf(
      `
      import { KeyedClient } from 'goldkey';
      import { fromFile } from 'goldkey/file';
      import { webhookSigner } from 'goldkey/hmac';
      import { app } from './examples/signing/webhook-receiver.mjs';
      ${LISTEN}
      const client = new KeyedClient({ keyProvider: fromFile({ path: process.env.WEBHOOK_SECRET_FILE }) });
      const body = '{"type":"order.filled"}';
      const at = Math.floor(Date.now() / 1_000);
      const send = async (timestamp, sent = body) => {
        const headers = await webhookSigner(client).sign({ id: 'msg_1', timestamp, body });
        return (await fetch(process.env.ORIGIN + '/webhooks', { method: 'POST', headers, body: sent })).status;
      };
      const answers = [await send(at), await send(at), await send(at + 1), await send(at + 2, '{"type":"other"}')];
      close();
      console.log(JSON.stringify(answers));`,
      given,
    );

    expect(answers).toEqual([204, 403, 204, 401]);
  });
});
