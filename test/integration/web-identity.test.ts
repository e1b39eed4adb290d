import { once } from 'node:events';
import { rename, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { KeyedClient } from '../../src/index.js';
import { fromKmsLight } from '../../src/providers/kms-light/index.js';
import { fromKms } from '../../src/providers/kms/index.js';
import { temporaryFolder } from '../cli/run.js';
import { startMoto, type Moto } from '../servers/moto.js';
import { orSkip } from '../servers/or-skip.js';

const KEY = 'sk-invented/web-identity-01';
const CONTEXT = { service: 'gold' };
const ROLE = 'arn:aws:iam::123456789012:role/gold-reader';
const found = await orSkip(startMoto);
const skipped = found.skipped ?? '';

/** STS before moto: notes the token of each request, and lets the credentials expire at once. */
async function startSts(moto: Moto) {
  const tokens: string[] = [];
  const server = createServer(async (incoming: IncomingMessage, outgoing) => {
    const body = await text(incoming);
    tokens.push(new URLSearchParams(body).get('WebIdentityToken') ?? '');
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await fetch(`${moto.url}/`, { method: 'POST', body, headers });
    const soon = new Date(Date.now() + 1_000).toISOString();
    const xml = (await answer.text()).replace(/<Expiration>[^<]*</, `<Expiration>${soon}<`);
    outgoing.writeHead(answer.status, { 'content-type': 'text/xml' }).end(xml);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  return { tokens, url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}` };
}

beforeEach(() => {
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE']) vi.stubEnv(name, undefined);
});
afterEach(() => vi.unstubAllEnvs());

describe.skipIf(skipped !== '')(
  `a web identity, whose token file is replaced under a running client ${skipped}`,
  () => {
    it.each([
      ['fromKms', fromKms],
      ['fromKmsLight', fromKmsLight],
    ] as const)('opens the store of %s with the token that the file holds then', async (name, from) => {
      const moto = found.server as Moto;
      const ciphertext = await moto.python(
        'kms = client("kms"); key = kms.create_key()["KeyMetadata"]["KeyId"]; print(base64.b64encode(kms.encrypt(KeyId=key, Plaintext=sys.argv[1], EncryptionContext=json.loads(sys.argv[2]))["CiphertextBlob"]).decode())',
        KEY,
        JSON.stringify(CONTEXT),
      );
      const sts = await startSts(moto);
      const folder = await temporaryFolder();
      onTestFinished(() => folder[Symbol.asyncDispose]());
      const file = join(folder.path, 'aws.jwt');
      const issue = async (token: string): Promise<void> => {
        await writeFile(`${file}.new`, token);
        await rename(`${file}.new`, file);
      };
      vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', file);
      vi.stubEnv('AWS_ROLE_ARN', ROLE);
      vi.stubEnv('AWS_ROLE_SESSION_NAME', `gold-${name}`);
      vi.stubEnv('AWS_ENDPOINT_URL_STS', sts.url);
      vi.stubEnv('AWS_ENDPOINT_URL_KMS', moto.url);
      vi.stubEnv('AWS_REGION', moto.region);
      await issue('the-first-token');
      await using client = new KeyedClient({ keyProvider: from({ ciphertext, encryptionContext: CONTEXT }) });

      expect(await client.withKey(({ bytes }) => Promise.resolve(Buffer.from(bytes).toString()))).toBe(KEY);
      expect(sts.tokens).toContain('the-first-token');
      await issue('the-second-token');
      await client.reload();
      const before = sts.tokens.length;
      await client.reload();

      expect(await client.withKey(({ bytes }) => Promise.resolve(Buffer.from(bytes).toString()))).toBe(KEY);
      expect(new Set(sts.tokens.slice(before - 1))).toEqual(new Set(['the-second-token']));
    });
  },
);
