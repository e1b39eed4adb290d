import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createVaultClient, type VaultClient } from '../../../src/providers/vault/connection.js';
import type { VaultAuth } from '../../../src/providers/vault/options.js';
import { failure } from '../loading.js';
import { pauseless } from './vault-like.js';

const PATH = 'secret/data/gold';
const read = { method: 'GET', path: PATH, operation: 'the read of the key ring' } as const;
let folder: string;
let server: Server;
let address: string;
let denies: boolean;
/** `METHOD path body` of each request, and the name in the certificate that it came with. */
const seen: [request: string, name: string | undefined][] = [];
const file = (name: string): string => join(folder, name);

function makeCertificate(name: string): void {
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const files = ['-keyout', file(`${name}.key`), '-out', file(`${name}.pem`)];
  execFileSync('openssl', [...made, ...files, '-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'], {
    stdio: 'ignore',
  });
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'goldkey-cert-'));
  for (const name of ['server', 'first', 'second']) makeCertificate(name);
  const tls = { cert: readFileSync(file('server.pem')), key: readFileSync(file('server.key')) };
  server = createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, (request, response) => {
    const peer = (request.socket as TLSSocket).getPeerCertificate() as { subject?: { CN: string } };
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      seen.push([`${String(request.method)} ${String(request.url)} ${body}`, peer.subject?.CN]);
      const isLogin = request.url?.endsWith('/login') === true;
      const isDenied = denies && !isLogin;
      if (isDenied) denies = false;
      response.statusCode = isDenied ? 403 : 200;
      const auth = { client_token: `hvs.invented-${String(seen.length)}`, lease_duration: 3_600, renewable: true };
      response.end(JSON.stringify(isDenied ? { errors: ['permission denied'] } : isLogin ? { auth } : { data: {} }));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  address = `https://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
});
beforeEach(() => {
  denies = false;
  seen.length = 0;
  install('first');
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

/** Puts a certificate where a SPIFFE helper puts the newest. */
function install(name: string): void {
  for (const end of ['pem', 'key']) copyFileSync(file(`${name}.${end}`), file(`svid.${end}`));
}
const clientWith = (auth: Partial<Extract<VaultAuth, { method: 'cert' }>> = {}): VaultClient =>
  createVaultClient('fromVault', {
    address,
    caFile: file('server.pem'),
    auth: { method: 'cert', certFile: file('svid.pem'), keyFile: file('svid.key'), ...auth },
  });

describe('a login with a client certificate', () => {
  it('shows the certificate at the login and at every request after it', async () => {
    const client = clientWith({ name: 'gold' });

    await client.request(read);
    await client.request(read);
    await client.close();

    expect(seen).toEqual([
      ['POST /v1/auth/cert/login {"name":"gold"}', 'first'],
      [`GET /v1/${PATH} `, 'first'],
      [`GET /v1/${PATH} `, 'first'],
    ]);
  });

  it('reads the files again for the next login, so that a replaced certificate is used', async () => {
    const client = clientWith({ mount: 'spire' });
    await client.request(read);
    install('second');
    denies = true;

    await client.request(read);
    await client.close();

    expect(seen.map(([request, name]) => [request.split(' ', 2)[1], name])).toEqual([
      ['/v1/auth/spire/login', 'first'],
      [`/v1/${PATH}`, 'first'],
      [`/v1/${PATH}`, 'first'],
      ['/v1/auth/spire/login', 'second'],
      [`/v1/${PATH}`, 'second'],
    ]);
  });

  it.each([
    ['certFile', 'client certificate'],
    ['keyFile', 'private key'],
  ])('whose `%s` is missing or no PEM says so, and sends nothing', async (option, kind) => {
    const missing = await failure(clientWith({ [option]: file('none') }).request({ ...read, clock: pauseless }));
    writeFileSync(file('empty'), 'nothing');
    const empty = await failure(clientWith({ [option]: file('empty') }).request({ ...read, clock: pauseless }));

    expect(missing).toMatchObject({ name: 'KeyProviderError', retryable: true });
    expect((missing as Error).message).toMatch(new RegExp(`The ${kind} .* cannot be read; check \`auth.${option}\``));
    expect((empty as Error).message).toMatch(new RegExp(`has no PEM ${kind}; check \`auth.${option}\``));
    expect(seen).toEqual([]);
  });
});
