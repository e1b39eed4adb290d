// Holds the store to goldkey's contract for key providers: npx vitest run from-key-service.test.mjs
import { once } from 'node:events';
import { createServer } from 'node:http';
import { keyProviderContract } from 'goldkey/testing';
import { describe, expect, it } from 'vitest';
import { fromKeyService } from './from-key-service.mjs';

async function startKeyService(key) {
  let answer = { status: 200, body: { key, version: '1' } };
  const server = createServer((request, response) => {
    response.writeHead(answer.status).end(JSON.stringify(answer.body ?? {}));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    answerWith(next) {
      answer = next;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

keyProviderContract(
  'fromKeyService',
  async (key) => {
    const service = await startKeyService(key);
    return {
      provider: fromKeyService({ url: service.url, token: 'invented-token', keyName: 'gold' }),
      rotate: async (next) => service.answerWith({ status: 200, body: { key: next, version: '2' } }),
      deny: async () => service.answerWith({ status: 403 }),
      stop: () => service.close(),
      cleanUp: () => service.close(),
    };
  },
  { describe, it, expect },
);

describe('fromKeyService', () => {
  it('tells an absent key from a service that fails', async () => {
    const service = await startKeyService('invented-key-0001');
    const provider = fromKeyService({ url: service.url, token: 'invented-token', keyName: 'gold' });
    const load = () => provider.load({ stage: 'current', signal: AbortSignal.timeout(2_000) });
    try {
      service.answerWith({ status: 404 });
      await expect(load()).rejects.toMatchObject({ code: 'ERR_GOLDKEY_NOT_FOUND', retryable: false });
      service.answerWith({ status: 503 });
      await expect(load()).rejects.toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    } finally {
      await service.close();
    }
  });
});
