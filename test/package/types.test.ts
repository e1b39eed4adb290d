import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installTools } from './consumers/tools.js';
import { folderWithPeers, typeCheck } from './type-check.js';

// Every subpath with a name of its own, and types that must not have become `any`.
const BODY = `
const keyProvider: KeyProvider = memoryKeyProvider({ current: 'first-key-0001' });
const gold = new GoldDataClient({
  keyProvider,
  fetchPrice: async (symbol: string, { apiKey, signal }) => ({ symbol, length: apiKey.length, aborted: signal.aborted }),
});
export const price: Promise<{ symbol: string; length: number; aborted: boolean }> = gold.getPrice('XAU');
export const quote: Promise<Quote> = new GoldDataClient({ keyProvider, ...metalsApi() }).getPrice('XAU');
export const apis: PriceApi[] = [metalsApi, commoditiesApi, metalPriceApi, goldApi, metalsDev, apiNinjas, twelveData].map((api) => api({ unit: 'gram' }));
export const first: Promise<Quote[]> = firstAvailable(apis.map((api) => new GoldDataClient({ keyProvider, ...api }))).getPrices(['XAU']);
export const client: KeyedClient = new KeyedClientPool({ max: 2, create: () => ({ keyProvider }) }).get('tenant');
export const stop: () => void = instrument([client, gold], { tracerProvider: {} });
export const flushed: Promise<void>[] = [new KeyRedactingSpanProcessor(client), new KeyRedactingLogRecordProcessor([gold])].map((one) => one.forceFlush());
export const clock: Clock = manualClock();
export const providers: KeyProvider[] = [
  fromAzureKeyVault({ vaultUrl: 'https://a.vault.azure.net', secretName: 'a' }),
  fromChain([fromFile({ path: 'a', watch: false }), fromEnvironment('A')], { dangerouslyAllowPlaintextFallback: true }),
  fromBreakGlass({ provider: keyProvider, enabledBy: async () => false, maxDuration: 1 }),
  fromKms({ ciphertext: undefined, encryptionContext: {}, keyId: 'alias/a' }),
  fromKmsLight({ ciphertext: undefined, encryptionContext: {}, credentials: async () => ({ accessKeyId: 'a', secretAccessKey: 'b' }) }),
  fromLocal({ masterKeyFile: 'a', ciphertext: '', encryptionContext: {} }),
  fromKeyRing({ ring: fileRing('a'), name: 'gold', cipher: [], pinnedVersion: pinnedVersion() }),
  fromSecretsManager({ secretId: 'gold', field: 'apiKey' }),
  fromSsm({ name: '/gold', labels: { current: 'live' } }),
  fromVault({ path: 'gold', stages: { current: 'current', previous: 1 }, auth: { method: 'kubernetes', role: 'gold' } }),
  fromVaultTransit({ keyName: 'gold', ciphertext: 'vault:v1:' }),
  fromEnvelope({ message: async () => new Uint8Array(1), cipher: [], field: 'gold', bind: { tenant: 'a' } }),
];
const connection: VaultConnection = { address: 'https://vault.example', namespace: 'gold' };
export const cipher: KeyCipher = transitCipher({ keyName: 'gold', encryptionContext: {}, ...connection });
const sealing: EnvelopeOptions = { cipher: [cipher], signed: false, frameLength: 4_096, maxPlaintext: 5_000 };
export const sealed: Envelope = envelope(sealing);
export const opened: Promise<Uint8Array> = sealed.decrypt(new Uint8Array(1), { bind: { tenant: 'a' } });
export const streams: NodeJS.ReadWriteStream[] = [sealed.encryptStream({ bind: {} }), sealed.decryptStream()];
export const rings: RingStore[] = [
  fileRing('a'),
  redisRing({ key: 'gold', url: 'rediss://redis.example' }),
  dynamoDbRing({ tableName: 'rings', name: 'gold' }),
  vaultRing({ path: 'rings/gold', auth: { method: 'token', token: 'a' } }),
];
export const rotated: Promise<void> = rotationHandler({ mintKey: async (current, { rotationId }) => current + rotationId, testKey: async () => {} })(
  { SecretId: 'gold', ClientRequestToken: 'a', Step: 'createSecret' },
);
export const handler: (event: { symbol: string }, context: LambdaContext) => Promise<number> = withGoldKey(
  client,
  async ({ symbol }: { symbol: string }, context: LambdaContext) => symbol.length + context.getRemainingTimeInMillis(),
  { margin: 1 } satisfies LambdaOptions,
);
export const hook: (request: object) => unknown = goldKeyMiddleware([client], { internalKey: 'prices' }).before;
const sinks: readonly AuditSink[] = [fileSink('a'), streamSink(process.stdout)];
export const log: Audit = audit(gold, sinks, { format: (record: AuditRecord) => (record.seq > 1 ? toOcsf(record) : toEcs(record)) });
export const audited: KeyProvider = auditedProvider(keyProvider, log);
export const verdict: Promise<{ records: number; ok: boolean; brokenAt?: number | undefined }> = verifyAudit((async function* () {})());
export const status: Promise<RotationStatus> = new KeyRotationManager({ ring: fileRing('a'), name: 'gold', cipher: [] }).status();
export function decide(error: unknown): 'rotate' | 'wait' | undefined {
  if (isGoldKeyError(error, 'ERR_GOLDKEY_REJECTED')) return 'rotate';
  if (isGoldKeyError(error)) return error.retryAfter === undefined ? undefined : 'wait';
  // @ts-expect-error a name that is none of the codes
  return isGoldKeyError(error, 'ERR_GOLDKEY_NO_SUCH') ? 'wait' : undefined;
}
// @ts-expect-error an option that does not exist
new GoldDataClient({ keyProvider, fetchPrice: async () => 1, tll: 1 });
`;
const PRIVATE = `
// @ts-expect-error a private path
export type Private = import('goldkey/dist/esm/core/index.js').KeyProvider;
`;
const NAMES = {
  goldkey: 'GoldDataClient, isGoldKeyError, KeyedClient, type Clock, type KeyCipher, type KeyProvider',
  'goldkey/audit':
    'audit, auditedProvider, fileSink, streamSink, toEcs, toOcsf, verifyAudit, type Audit, type AuditRecord, type AuditSink',
  'goldkey/azure-key-vault': 'fromAzureKeyVault',
  'goldkey/envelope': 'envelope, fromEnvelope, type Envelope, type EnvelopeOptions',
  'goldkey/hmac':
    'hmacSigner, hmacVerifier, plainSigner, plainVerifier, SignatureError, webhookSigner, webhookVerifier, type ReplayStore',
  'goldkey/hmac/redis': 'redisReplayStore, type RedisReplayOptions',
  'goldkey/opentelemetry': 'instrument, KeyRedactingLogRecordProcessor, KeyRedactingSpanProcessor',
  'goldkey/pool': 'KeyedClientPool',
  'goldkey/watch': 'KeyHeldError, watch, type Alert, type WatchOptions',
  'goldkey/chain': 'fromBreakGlass, fromChain',
  'goldkey/file': 'fromFile',
  'goldkey/kms': 'fromKms',
  'goldkey/kms-light': 'fromKmsLight',
  'goldkey/lambda': 'goldKeyMiddleware, withGoldKey, type LambdaContext, type LambdaOptions',
  'goldkey/local': 'fromLocal',
  'goldkey/prices':
    'apiNinjas, commoditiesApi, firstAvailable, goldApi, metalPriceApi, metalsApi, metalsDev, twelveData, type PriceApi, type Quote',
  'goldkey/secrets-manager': 'fromSecretsManager, rotationHandler',
  'goldkey/ssm': 'fromSsm',
  'goldkey/testing': 'manualClock, memoryKeyProvider',
  'goldkey/rotation': 'fileRing, fromKeyRing, KeyRotationManager, type RingStore, type RotationStatus',
  'goldkey/rotation/redis': 'redisRing',
  'goldkey/rotation/dynamodb': 'dynamoDbRing',
  'goldkey/rotation/vault': 'vaultRing',
  'goldkey/env': 'fromEnvironment, pinnedVersion',
  'goldkey/vault': 'fromVault, fromVaultTransit, transitCipher, type VaultConnection',
};
const ESM = Object.entries(NAMES)
  .map(([from, names]) => `import { ${names} } from '${from}';`)
  .join('\n');
const REQUIRED = `
import root = require('goldkey');
import pool = require('goldkey/pool');
export const client: root.KeyedClient | undefined = undefined;
export const tenants = new pool.KeyedClientPool({ max: 1, create: () => ({ keyProvider: { name: 'a', load: async () => undefined } }) });
export const same: root.KeyedClient = tenants.get('a');
`;

let folder: string;
const compilers = new Map<string, string | undefined>([['6', undefined]]);

beforeAll(async () => {
  folder = await folderWithPeers();
  compilers.set('5.9', join(await installTools('typescript-5.9'), 'node_modules', 'typescript'));
}, 600_000);
afterAll(() => rm(folder, { recursive: true }));

const check = (version: string, type: 'module' | 'commonjs', source: string, options?: object): Promise<string> =>
  typeCheck(folder, type, { 'user.ts': source }, options, compilers.get(version));

describe.each(['5.9', '6'])('the published types, under TypeScript %s', { timeout: 240_000 }, (version) => {
  it.each(['node16', 'nodenext'])('resolve for an ES module under %s', async (module) => {
    expect(await check(version, 'module', ESM + BODY + PRIVATE, { module, exactOptionalPropertyTypes: true })).toBe('');
  });

  it.each(['node16', 'nodenext'])('resolve for a CommonJS file that writes `import`, under %s', async (module) => {
    expect(await check(version, 'commonjs', ESM + BODY + PRIVATE, { module })).toBe('');
  });

  it.each(['node16', 'nodenext'])(
    'resolve for a CommonJS file that writes `import x = require()`, under %s',
    async (module) => {
      expect(await check(version, 'commonjs', REQUIRED, { module })).toBe('');
    },
  );

  it('resolve for a bundler', async () => {
    expect(
      await check(version, 'module', ESM + BODY + PRIVATE, { module: 'esnext', moduleResolution: 'bundler' }),
    ).toBe('');
  });

  it('resolve under node10, which knows no `exports`', async () => {
    const options = {
      module: 'commonjs',
      moduleResolution: 'node10',
      ...(version === '6' && { ignoreDeprecations: '6.0' }),
    };

    expect(await check(version, 'commonjs', ESM + BODY, options)).toBe('');
  });
});
