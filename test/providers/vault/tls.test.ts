import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createVaultClient } from '../../../src/providers/vault/connection.js';
import { failure, hurriedClock } from '../loading.js';

const read = { method: 'GET', path: 'secret/data/gold', operation: 'the read of the key ring' } as const;
let folder: string;
let server: Server;
let port: number;
let caFile: string;
let requests = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'goldkey-tls-'));
  caFile = join(folder, 'ca.pem');
  const keyFile = join(folder, 'key.pem');
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', keyFile, '-out', caFile];
  const names = ['-subj', '/CN=vault of a test', '-addext', 'subjectAltName=IP:127.0.0.1'];
  execFileSync('openssl', [...made, ...names], { stdio: 'ignore' });
  server = createServer({ cert: readFileSync(caFile), key: readFileSync(keyFile) }, (_, response) => {
    requests++;
    response.end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

describe('TLS to Vault', () => {
  const linkTo = (host: string, ca: string | undefined): ReturnType<typeof createVaultClient> =>
    createVaultClient('vaultRing', {
      address: `https://${host}:${String(port)}`,
      auth: { method: 'token', token: 'hvs.invented-token-0123456789' },
      caFile: ca,
    });

  it('trusts the authorities of `caFile`', async () => {
    const link = linkTo('127.0.0.1', caFile);

    expect(await link.request(read)).toEqual({ status: 200, body: {} });
    link.close();
  });

  it.each([
    ['an authority not trusted', '127.0.0.1', false, /certificate .*\(DEPTH_ZERO_SELF_SIGNED_CERT\).*`caFile`/],
    ['another name', 'localhost', true, /certificate .*\(ERR_TLS_CERT_ALTNAME_INVALID\).*the name in `address`/],
  ])('%s: no request is sent, nor tried again', async (_, host, trusted, message) => {
    const link = linkTo(host, trusted ? caFile : undefined);
    const clock = hurriedClock();
    const before = requests;
    const { setTimeout: soon } = clock;
    clock.setTimeout = (callback, ms) => (ms >= 2_000 ? { cancel: () => undefined } : soon(callback, ms));

    const error = await failure(link.request({ ...read, clock }));
    link.close();

    expect(error).toMatchObject({
      name: 'KeyProviderError',
      retryable: true,
      message: expect.stringMatching(message),
    });
    expect(requests).toBe(before);
    expect(clock.waits).toEqual([]);
  });
});
