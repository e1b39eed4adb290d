import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { computeFingerprint } from '../../../src/core/index.js';
import { startFakeKms, startFakePriceApi, type FakeKms } from '../../../src/testing/index.js';
import { formsOf, run, type Ran } from '../run.js';

const KEY = 'sk"test/+&=0123456';
/** A host that only the proxy knows. */
const FAR = 'kms.far.example';
let kms: FakeKms;
let proxy: Awaited<ReturnType<typeof startProxy>>;

/** A proxy that takes every host for this machine, and notes what it was asked for. */
async function startProxy() {
  const asked: string[] = [];
  const server = createServer((incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { host, port, pathname } = new URL(incoming.url ?? '');
    asked.push(host);
    const { method, headers } = incoming;
    const onward = request({ host: '127.0.0.1', port, path: pathname, method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(onward);
  });
  server.on('connect', ({ url = '' }: IncomingMessage, socket: Duplex) => {
    asked.push(url);
    const onward = connect(Number(url.split(':').at(-1)), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    for (const side of [onward, socket]) side.on('error', () => onward.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { asked, url: `http://127.0.0.1:${String(port)}`, close };
}

beforeEach(async () => {
  kms = await startFakeKms();
  proxy = await startProxy();
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'invented');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  proxy.close();
  await kms.close();
});

const farUrl = (): string => kms.url.replace('127.0.0.1', FAR);

async function verify(env: Record<string, string>, url: string, ...more: string[]): Promise<Ran> {
  const from = ['--ciphertext', kms.encrypt(KEY, {}), '--encryption-context', '{}'];
  const ran = await run(['verify', ...from, '--endpoint-url', url, '--region', kms.region, '--json', ...more], { env });
  for (const form of formsOf(KEY)) expect(ran.stdout + ran.stderr).not.toContain(form);
  return ran;
}

describe('plain http to another host', () => {
  it('is refused, with the option that allows it, and goes through with that', async () => {
    const env = { HTTP_PROXY: proxy.url };
    const refused = await verify(env, farUrl());
    const allowed = await verify(env, farUrl(), '--dangerously-allow-http');

    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('with --dangerously-allow-http');
    expect(allowed.code, allowed.stderr).toBe(0);
    expect(JSON.parse(allowed.stdout)).toMatchObject({ fingerprint: computeFingerprint(KEY) });
  });
});

describe('the proxy of the environment', () => {
  it.each(['HTTP_PROXY', 'http_proxy'])('in %s takes the requests to KMS and to the price API', async (variable) => {
    await using api = await startFakePriceApi({ keys: [KEY] });
    const apiHost = new URL(api.url).host;
    const from = ['--ciphertext', kms.encrypt(KEY, {}), '--encryption-context', '{}', '--dangerously-allow-http'];
    const at = ['--endpoint-url', farUrl(), '--region', kms.region, '--api-url', api.url];

    const ran = await run(['price', ...from, ...at], { env: { [variable]: proxy.url } });

    expect(ran.code, ran.stderr).toBe(0);
    expect(new Set(proxy.asked)).toEqual(new Set([new URL(farUrl()).host, apiHost]));
    expect(kms.requests.map(({ operation }) => operation)).toEqual(['Decrypt']);
  });

  it('serves every check of doctor', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_STS', 'http://127.0.0.1:1');
    const from = ['--ciphertext', kms.encrypt(KEY, {}), '--encryption-context', '{}', '--dangerously-allow-http'];
    const ran = await run(['doctor', ...from, '--endpoint-url', farUrl(), '--region', kms.region, '--json'], {
      env: { HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1' },
    });

    const { checks } = JSON.parse(ran.stdout) as { checks: { id: string; status: string; message: string }[] };
    const passed = checks.filter(({ status }) => status === 'ok').map(({ id }) => id);
    expect(passed).toEqual(expect.arrayContaining(['endpoint', 'context']));
    expect(new Set(proxy.asked)).toEqual(new Set([new URL(farUrl()).host]));
    for (const form of formsOf(KEY)) expect(ran.stdout + ran.stderr).not.toContain(form);
  });

  it('is left out for the hosts of NO_PROXY, and without it no request asks a proxy', async () => {
    const left = await verify({ HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1' }, kms.url);
    const none = await verify({}, kms.url);

    expect([left.code, none.code]).toEqual([0, 0]);
    expect(proxy.asked).toEqual([]);
  });

  it('that is no URL is wrong usage, and shows none of it', async () => {
    const ran = await verify({ HTTPS_PROXY: 'user:hunter2-hunter2@proxy' }, kms.url);

    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain('HTTPS_PROXY and HTTP_PROXY must be the URL of a proxy');
    expect(ran.stderr).not.toContain('hunter2');
  });
});
