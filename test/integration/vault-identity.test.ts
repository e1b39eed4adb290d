import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromVault, type VaultAuth } from '../../src/providers/vault/index.js';
import { assertNoSecret } from '../../src/testing/index.js';
import { temporaryFolder } from '../cli/run.js';
import { failure, request, text } from '../providers/loading.js';
import { pauseless } from '../providers/vault/vault-like.js';
import { orSkip } from '../servers/or-skip.js';
import { startVault, type Vault } from '../servers/vault.js';

const KEY = 'sk-invented/+&=0123456789';
const POLICY = 'path "secret/data/gold" { capabilities = ["read"] }';
const SPIFFE_ID = 'spiffe://example.org/gold-data-stream';
const AUDIENCE = 'https://vault.example';
const folder = await temporaryFolder();
const tlsFolder = join(folder.path, 'tls');
await mkdir(tlsFolder);
const found = await orSkip(async () => startVault({ tlsFolder }));
const file = (name: string): string => join(folder.path, name);

/** A token such as SPIRE issues, for a minute. */
function createToken(key: KeyObject, audience = AUDIENCE): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const now = Math.floor(Date.now() / 1_000);
  const claims = { sub: SPIFFE_ID, aud: [audience], iat: now, exp: now + 60 };
  const signed = `${encode({ alg: 'ES256', typ: 'JWT' })}.${encode(claims)}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

/** A client's certificate with a SPIFFE id, signed by itself. */
function makeCertificate(name: string, id: string): void {
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const files = ['-keyout', file(`${name}.key`), '-out', file(`${name}.pem`)];
  const names = [
    '-subj',
    `/CN=${name}`,
    '-addext',
    `subjectAltName=URI:${id}`,
    '-addext',
    'extendedKeyUsage=clientAuth',
  ];
  execFileSync('openssl', [...made, ...files, ...names], { stdio: 'ignore' });
}

describe.skipIf(found.skipped !== undefined)(`identities of machines at a real Vault ${found.skipped ?? ''}`, () => {
  const vault = found.server as Vault;
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const storeWith = (auth: VaultAuth): ReturnType<typeof fromVault> =>
    fromVault({ address: vault.url, caFile: join(tlsFolder, 'vault-ca.pem'), path: 'gold', field: 'key', auth });
  const load = (store: ReturnType<typeof fromVault>): Promise<unknown> => store.load(request(pauseless));
  const mustSucceed = async (method: string, path: string, body: object): Promise<void> => {
    const { status } = await vault.request(method, path, body);
    expect([path, status < 300]).toEqual([path, true]);
  };
  /** Revokes the tokens of all logins at a mount, of which there is at least one. */
  const revokeTokens = async (mount: string): Promise<void> => {
    const listLogins = async (): Promise<unknown[]> => {
      const { body: list } = await vault.request('LIST', 'auth/token/accessors');
      const { keys = [] } = (list?.['data'] ?? {}) as { keys?: string[] };
      const about = await Promise.all(
        keys.map((accessor) => vault.request('POST', 'auth/token/lookup-accessor', { accessor })),
      );
      return about.filter(({ body }) => ((body?.['data'] ?? {}) as { path?: string }).path === `auth/${mount}/login`);
    };
    expect(await listLogins()).not.toEqual([]);
    await mustSucceed('PUT', `sys/leases/revoke-prefix/auth/${mount}`, {});
    expect(await listLogins()).toEqual([]);
  };

  beforeAll(async () => {
    makeCertificate('first', SPIFFE_ID);
    makeCertificate('second', SPIFFE_ID);
    makeCertificate('stranger', 'spiffe://example.org/stranger');
    await mustSucceed('PUT', 'sys/policies/acl/gold', { policy: POLICY });
    await mustSucceed('POST', 'secret/data/gold', { data: { key: KEY } });
    await mustSucceed('POST', 'sys/auth/jwt', { type: 'jwt' });
    await mustSucceed('POST', 'sys/auth/cert', { type: 'cert' });
    const pem = publicKey.export({ type: 'spki', format: 'pem' });
    await mustSucceed('POST', 'auth/jwt/config', { jwt_validation_pubkeys: [pem] });
    await mustSucceed('POST', 'auth/jwt/role/gold', {
      role_type: 'jwt',
      user_claim: 'sub',
      bound_subject: SPIFFE_ID,
      bound_audiences: [AUDIENCE],
      token_policies: ['gold'],
    });
    for (const name of ['first', 'second']) {
      await mustSucceed('POST', `auth/cert/certs/${name}`, {
        certificate: await readFile(file(`${name}.pem`), 'utf8'),
        allowed_uri_sans: SPIFFE_ID,
        token_policies: ['gold'],
      });
    }
  });
  afterAll(async () => {
    await vault[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  it('a JSON Web Token in a file opens the store, and its successor once Vault has revoked the session', async () => {
    const jwtFile = file('svid.jwt');
    await writeFile(jwtFile, createToken(privateKey));
    const store = storeWith({ method: 'jwt', role: 'gold', jwtFile });

    expect(text(await load(store))).toBe(KEY);
    const next = createToken(privateKey);
    await writeFile(jwtFile, next);
    await revokeTokens('jwt');
    expect(text(await load(store))).toBe(KEY);
    await store.close?.();
  });

  it.each([
    ['another audience', () => createToken(privateKey, 'https://another.example')],
    ['another issuer’s key', () => createToken(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)],
  ])(
    'a JSON Web Token of %s is denied by an error that names role, audience and mount, not the token',
    async (_, create) => {
      const jwt = create();
      const store = storeWith({ method: 'jwt', role: 'gold', jwt });

      const error = await failure(load(store));
      await store.close?.();

      expect(error).toMatchObject({
        name: 'KeyProviderError',
        message: expect.stringMatching(
          /the JWT login \(POST `?auth\/jwt\/login`?\).*`auth.role`.*audience.*`auth.mount`/,
        ),
      });
      assertNoSecret(error, jwt);
    },
  );

  it('a certificate opens the store, and its successor after a rotation', async () => {
    const install = async (name: string): Promise<void> => {
      await copyFile(file(`${name}.pem`), file('svid.pem'));
      await copyFile(file(`${name}.key`), file('svid.key'));
    };
    await install('first');
    const store = storeWith({ method: 'cert', certFile: file('svid.pem'), keyFile: file('svid.key') });

    expect(text(await load(store))).toBe(KEY);
    await install('second');
    // The first certificate is no longer accepted.
    await vault.request('DELETE', 'auth/cert/certs/first');
    await revokeTokens('cert');
    expect(text(await load(store))).toBe(KEY);
    await store.close?.();
  });

  it('a stranger’s certificate is denied', async () => {
    const store = storeWith({ method: 'cert', certFile: file('stranger.pem'), keyFile: file('stranger.key') });

    expect(await failure(load(store))).toMatchObject({
      name: 'KeyProviderError',
      message: expect.stringMatching(/the certificate login.*`auth.name`, the names that the role accepts/),
    });
    await store.close?.();
  });
});
