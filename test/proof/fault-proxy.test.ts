import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { lib, type FaultProxy as Proxy } from './typed-lib.js';

const { FaultProxy, NETWORK_FAULTS } = await lib('fault-proxy.mjs');
const BODY = 'The answer of the server, whole.';

const server = createServer((_request, response) => response.end(BODY));
let target: string;
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  target = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** Starts a proxy whose every answer meets the fault. */
async function startProxy(counted?: string): Promise<{ proxy: Proxy; url: string }> {
  const proxy = new FaultProxy(target, { random: () => 0, ...(counted !== undefined && { counted }) });
  const url = await proxy.listen();
  onTestFinished(() => proxy.close());
  return { proxy, url };
}
const ask = async (url: string, signal?: AbortSignal): Promise<string> =>
  (await fetch(url, { headers: { connection: 'close' }, ...(signal !== undefined && { signal }) })).text();

describe('the proxy that breaks a network', () => {
  it('changes nothing while there is no fault, and counts the requests that it is told to', async () => {
    const { proxy, url } = await startProxy('GET /counted');

    expect(await ask(`${url}/counted`)).toBe(BODY);
    expect(await ask(`${url}/other`)).toBe(BODY);

    expect(proxy).toMatchObject({ requests: 1, met: {} });
  });

  it.each(['reset', 'half-open', 'truncation', 'blackhole', 'partition'])(
    'lets no answer through: %s',
    async (fault) => {
      const { proxy, url } = await startProxy();
      proxy.fault = fault;

      const patience = new AbortController();
      const answer = expect(ask(url, patience.signal)).rejects.toThrow();
      await expect.poll(() => proxy.met[fault], { timeout: 10_000 }).toBeGreaterThan(0);
      // What never answers is given up, some time after it was met.
      setTimeout(() => patience.abort(), 300);
      await answer;

      proxy.fault = undefined;
      expect(await ask(url)).toBe(BODY);
    },
  );

  it('delays an answer, and lets it drip', async () => {
    const { proxy, url } = await startProxy();
    for (const fault of ['latency', 'drip']) {
      proxy.fault = fault;
      const text = (await fetch(url, { headers: { connection: 'close' } })).text();
      expect(await text).toBe(BODY);
      expect(proxy.met[fault]).toBeGreaterThan(0);
    }
  });

  it('gives an answer twice', async () => {
    const { proxy, url } = await startProxy();
    proxy.fault = 'duplicated answers';

    // The second one may break the connection before the first is read.
    await ask(url).catch(() => undefined);

    expect(proxy.met['duplicated answers']).toBeGreaterThan(0);
  });

  it('knows eight faults', () => {
    expect(NETWORK_FAULTS).toHaveLength(8);
  });
});
