import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { transform } from 'esbuild';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startFakeKms, type FakeKms } from '../../src/testing/fake-kms/server.js';
import { startFakePriceApi, type FakePriceApi } from '../../src/testing/fake-price-api/server.js';
import { ROOT, built, finishedWithout, kmsEnvironment, missing } from './start-example.js';

const KEY = 'sk-invented/+&=0123456789';
const CONTEXT = { service: 'gold-data-stream', environment: 'production' };
const finished = finishedWithout(KEY);

/** How each framework's example is asked: `ask(path)` resolves to `{ status, headers, body }`; `close()` shuts it down. */
const ASK = {
  fastify: `
    const ask = async (url) => {
      const { statusCode: status, headers, body } = await app.inject({ url });
      return { status, headers, body: JSON.parse(body) };
    };
    const close = () => app.close();`,
  express: `
    import { once } from 'node:events';
    import { shutDown } from './examples/frameworks/express.mjs';
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const ask = async (path) => answerOf(await fetch('http://127.0.0.1:' + server.address().port + path));
    const close = async () => { shutDown(server); server.closeIdleConnections(); await once(server, 'close'); };`,
  hono: `
    const ask = async (path) => answerOf(await app.request(path));
    const close = () => client.close();`,
  nest: `
    await app.listen(0, '127.0.0.1');
    const ask = async (path) => answerOf(await fetch(await app.getUrl() + path));
    const close = () => app.close();`,
};

/** Returns the lines that bring an example's app: TypeScript with decorators is compiled first, as Nest's users do. */
const importOf = async (name: string): Promise<string> => {
  if (name !== 'nest') return `import { app } from './examples/frameworks/${name}.mjs';`;
  const source = await readFile(join(ROOT, 'examples', 'frameworks', 'nest.ts'), 'utf8');
  const tsconfigRaw = { compilerOptions: { experimentalDecorators: true } };
  const { code } = await transform(source, { loader: 'ts', format: 'esm', target: 'node20', tsconfigRaw });
  return code.replace('"./gold.mjs"', '"./examples/frameworks/gold.mjs"');
};

let kms: FakeKms;
let api: FakePriceApi;

beforeAll(async () => {
  [kms, api] = await Promise.all([startFakeKms(), startFakePriceApi()]);
});
beforeEach(() => {
  kms.reset();
  api.accept(KEY);
});
afterAll(() => Promise.all([kms.close(), api.close()]));

describe.skipIf(!built).each(Object.entries(ASK))(`the example of %s ${missing}`, (name, ask) => {
  const answersOf = async (program: string): Promise<unknown> => {
    const source = `
      ${await importOf(name)}
      const { gold: client } = await import('./examples/frameworks/gold.mjs');
      const answerOf = async (response) =>
        ({ status: response.status, headers: Object.fromEntries(response.headers), body: await response.json() });
      ${ask}
      const answers = [];
      ${program}
      await close();
      await new Promise((resolve) => setImmediate(resolve));
      console.log(JSON.stringify([...answers, client.status().state]));`;
    const ran = await finished(['--input-type=module', '-e', source], {
      PATH: process.env['PATH'] ?? '',
      PRICE_API_URL: api.url,
      GOLD_API_KEY_CIPHERTEXT: kms.encrypt(KEY, CONTEXT),
      ...kmsEnvironment(kms),
    });
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    return JSON.parse(ran.stdout);
  };

  it('answers prices with one decryption, and closes the client when it shuts down', async () => {
    const answers = await answersOf(`answers.push(await ask('/price/XAU'), await ask('/price/XAG'));`);

    expect(answers).toMatchObject([
      { status: 200, body: { price: 2199.5135616442817 } },
      { status: 200, body: { price: 25.34 } },
      'closed',
    ]);
    expect(kms.requests.map(({ operation }) => operation)).toEqual(['Decrypt']);
  });

  it('answers 502 to a refused key, and 503 with the time to wait where waiting helps', async () => {
    api.revoke(KEY);
    const refused = await answersOf(`answers.push(await ask('/price/XAU'));`);
    api.accept(KEY);
    api.inject('rate-limited', { retryAfter: 30_000 });
    const limited = await answersOf(`answers.push(await ask('/price/XAU'));`);

    expect(refused).toMatchObject([{ status: 502, body: { error: 'ERR_GOLDKEY_REJECTED' } }, 'closed']);
    expect(limited).toMatchObject([
      { status: 503, headers: { 'retry-after': '30' }, body: { error: 'ERR_GOLDKEY_PRICE_API' } },
      'closed',
    ]);
  });
});
