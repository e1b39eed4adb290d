import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { formsOf, run, temporaryFolder } from '../cli/run.js';
import { MOTO_ENV, startMoto, type Moto } from '../servers/moto.js';
import { orSkip } from '../servers/or-skip.js';

const KEY = 'sk-invented/mfa-on-moto-01';
const SERIAL = 'arn:aws:iam::123456789012:mfa/ada';
const CODE = '604217';
const PROMPT = `MFA code of ${SERIAL}: \n`;
const moto = await orSkip(startMoto);
const skipped = moto.skipped ?? '';

/** Notes whose access key signs each request to moto, and in which session. */
async function startGate(to: string) {
  const calls: { service: string; accessKey: string; hasToken: boolean }[] = [];
  const gate = createServer(async (incoming, outgoing) => {
    const { authorization = '', ...headers } = incoming.headers;
    const [, accessKey = '', service = ''] = /Credential=([^/]+)\/\d+\/[^/]+\/([^/]+)/.exec(authorization) ?? [];
    calls.push({ service, accessKey, hasToken: headers['x-amz-security-token'] !== undefined });
    delete headers['transfer-encoding'];
    const { method = 'POST' } = incoming;
    const answer = await fetch(`${to}${incoming.url ?? ''}`, {
      method,
      headers: { ...(headers as Record<string, string>), authorization },
      ...(method === 'POST' && { body: new Uint8Array(await buffer(incoming)) }),
    });
    const body = Buffer.from(await answer.arrayBuffer());
    outgoing.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' }).end(body);
  });
  await once(gate.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void gate.close());
  return { calls, url: `http://127.0.0.1:${String((gate.address() as AddressInfo).port)}` };
}

beforeEach(() => {
  for (const [name, value] of Object.entries(MOTO_ENV)) vi.stubEnv(name, value);
  for (const name of ['AWS_PROFILE', 'AWS_SESSION_TOKEN']) vi.stubEnv(name, undefined);
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => moto.server?.[Symbol.asyncDispose]());

describe.skipIf(skipped !== '')(`--mfa-serial, on moto ${skipped}`, () => {
  it.each<[string, string[]]>([
    ['secretsmanager', ['put', '--store', 'secrets-manager://mfa-gold']],
    ['ssm', ['put', '--store', 'ssm:///mfa/gold']],
    ['kms', ['create-key', '--alias', 'alias/mfa-gold']],
    ['kms', ['encrypt', '--key-id', 'alias/mfa-gold', '--encryption-context', 'service=gold']],
    ['dynamodb', ['rotate', 'init', '--ring', 'dynamodb://mfa-rings/gold', '--key-id', 'alias/mfa-gold']],
    ['kms', ['doctor', '--key-id', 'alias/mfa-gold', '--ciphertext', '@']],
  ])('opens %s by one session: goldkey %j', async (service, words) => {
    const server = moto.server as Moto;
    await server.python(
      [
        'try: client("dynamodb").create_table(TableName="mfa-rings", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}], AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}])',
        'except Exception: pass',
      ].join('\n'),
    );
    const gate = await startGate(server.url);
    vi.stubEnv('AWS_ENDPOINT_URL', gate.url);
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'key.txt');
    await writeFile(file, KEY);
    const takesKey = words[0] !== 'create-key' && words[0] !== 'doctor';
    const context = words[0] === 'put' || words[0] === 'create-key' ? [] : ['--encryption-context', 'service=gold'];
    const pairs = words.includes('--encryption-context') ? [] : context;
    const encrypt = ['encrypt', '--key-id', 'alias/mfa-gold', '--encryption-context', 'service=gold'];
    const argv = await Promise.all(
      words.map(async (word) => (word === '@' ? (await run(encrypt, { piped: KEY })).stdout.trim() : word)),
    );
    gate.calls.length = 0;

    const ran = await run(
      [...argv, ...pairs, ...(takesKey ? ['--key-file', file] : []), '--mfa-serial', SERIAL, '--json'],
      { typed: `${CODE}\r` },
    );

    expect(ran, ran.stderr + ran.stdout).toMatchObject({ code: 0 });
    expect(ran.stderr.split(PROMPT)).toHaveLength(2);
    const [asked, ...rest] = gate.calls;
    expect(asked).toEqual({ service: 'sts', accessKey: 'testing', hasToken: false });
    expect(rest.map((call) => call.service)).toContain(service);
    // No other call is signed by the user's own key.
    const signed = rest.filter((call) => call.service !== '');
    expect(signed.filter(({ accessKey, hasToken }) => accessKey === 'testing' || !hasToken)).toEqual([]);
    for (const secret of [...formsOf(KEY), CODE]) expect(ran.stdout + ran.stderr).not.toContain(secret);
  });
});
