import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { computeFingerprint, GoldDataClient, type KeyProvider } from '../../src/core/index.js';
import { fromKms, kmsCipher } from '../../src/providers/kms/index.js';
import { fromKmsLight } from '../../src/providers/kms-light/index.js';
import { keyProviderContract } from '../../src/testing/contract/key-provider-contract.js';
import { formsOf, run } from '../cli/run.js';
import { MOTO_ENV, startMoto, type Moto } from '../servers/moto.js';
import { orSkip } from '../servers/or-skip.js';

const ALIAS = 'alias/gold-api-keys';
const CONTEXT = { service: 'gold-data-stream', environment: 'production' };
const KEY = 'sk-invented/+&=0123456789';
const found = await orSkip(startMoto);

const ENCRYPT = `
alias, context, key = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
answer = client('kms').encrypt(KeyId=alias, Plaintext=key.encode(), EncryptionContext=context)
print(base64.b64encode(answer['CiphertextBlob']).decode())
`;
const DECRYPT = `
blob, context = base64.b64decode(sys.argv[1]), json.loads(sys.argv[2])
print(client('kms').decrypt(CiphertextBlob=blob, EncryptionContext=context)['Plaintext'].decode())
`;
const COUNT_KEYS = `print(len(client('kms').list_keys()['Keys']))`;

describe.skipIf(found.skipped !== undefined)(`AWS KMS as moto plays it ${found.skipped ?? ''}`, () => {
  const moto = found.server as Moto;
  const at = (): string[] => ['--endpoint-url', moto.url, '--region', moto.region];
  const context = ['--encryption-context', 'service=gold-data-stream,environment=production'];

  beforeAll(async () => {
    for (const [name, value] of Object.entries(MOTO_ENV)) vi.stubEnv(name, value);
    vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');
    await moto.reset();
    await run(['create-key', '--alias', ALIAS, ...at()]);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await moto[Symbol.asyncDispose]();
  });

  it('create-key run twice makes one key', async () => {
    const again = await run(['create-key', '--alias', ALIAS, ...at(), '--json']);

    expect(again.code).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({ arn: expect.stringMatching(/^arn:aws:kms:/), created: false });
    expect(await moto.python(COUNT_KEYS)).toBe('1');
  });

  it('what boto3 encrypts, `goldkey verify`, fromKms and fromKmsLight read', async () => {
    const ciphertext = await moto.python(ENCRYPT, ALIAS, JSON.stringify(CONTEXT), KEY);

    const verified = await run(['verify', '--ciphertext', ciphertext, ...context, ...at(), '--json']);
    const { region, url: endpoint } = moto;
    const options = { ciphertext, encryptionContext: CONTEXT, keyId: ALIAS, region };
    const clients = [fromKms({ ...options, clientConfig: { endpoint } }), fromKmsLight({ ...options, endpoint })].map(
      (keyProvider) =>
        new GoldDataClient({
          keyProvider,
          fetchPrice: (symbol: string, { apiKey }) => Promise.resolve(`${symbol} with ${computeFingerprint(apiKey)}`),
        }),
    );

    expect(verified).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(verified.stdout)).toMatchObject({ fingerprint: computeFingerprint(KEY), length: KEY.length });
    for (const gold of clients) {
      expect(await gold.getPrice('XAU')).toBe(`XAU with ${computeFingerprint(KEY)}`);
      await gold.close();
    }
  });

  it('what `goldkey encrypt` prints, boto3 decrypts', async () => {
    const ran = await run(['encrypt', '--key-id', ALIAS, ...context, ...at()], { piped: `${KEY}\n` });

    expect(ran).toMatchObject({ code: 0, stderr: '' });
    for (const form of formsOf(KEY)) expect(ran.stdout).not.toContain(form);
    expect(await moto.python(DECRYPT, ran.stdout.trim(), JSON.stringify(CONTEXT))).toBe(KEY);
  });

  it('a wrong context exits with 1 and names both causes and the context’s keys', async () => {
    const ciphertext = await moto.python(ENCRYPT, ALIAS, JSON.stringify(CONTEXT), KEY);
    const wrong = ['--encryption-context', 'service=gold-data-stream,environment=staging'];

    const ran = await run(['verify', '--ciphertext', ciphertext, ...wrong, ...at()]);

    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(/^goldkey: [^\n]*damaged[^\n]*--encryption-context differs[^\n]*\n$/);
    expect(ran.stderr).toMatch(/environment.*service|service.*environment/);
    expect(ran.stderr).not.toContain('staging');
  });

  it('an alias that does not exist exits with 1 and says so', async () => {
    const ran = await run(['encrypt', '--key-id', 'alias/none', ...context, ...at()], { piped: KEY });
    expect(ran).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('alias/none') });
  });

  const ways = {
    fromKms: (endpoint: string, options: Parameters<typeof fromKms>[0]): KeyProvider =>
      fromKms({ ...options, clientConfig: { endpoint } }),
    fromKmsLight: (endpoint: string, options: Parameters<typeof fromKmsLight>[0]): KeyProvider =>
      fromKmsLight({ ...options, endpoint }),
  };
  for (const [name, from] of Object.entries(ways)) {
    keyProviderContract(
      `${name} on moto`,
      async (key) => {
        const relay = await startRelay(moto.url);
        const options = { encryptionContext: CONTEXT, region: moto.region };
        const cipher = kmsCipher({ keyId: ALIAS, ...options, clientConfig: { endpoint: relay.url } });
        let { ciphertext } = await cipher.encrypt(key);
        const provider = from(relay.url, { ciphertext: () => ciphertext, keyId: ALIAS, ...options });
        return {
          provider,
          async rotate(successor) {
            ({ ciphertext } = await cipher.encrypt(successor));
          },
          stop: () => relay.stop(),
          async cleanUp() {
            await provider.close?.();
            await cipher.close?.();
            await relay.stop();
          },
        };
      },
      { describe, it, expect },
    );
  }
});

/** A way to moto that can be cut while moto runs on. */
async function startRelay(url: string): Promise<{ url: string; stop(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(new URL(url).port), '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    async stop() {
      for (const socket of sockets) socket.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
  };
}
