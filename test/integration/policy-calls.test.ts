import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { dynamoDbRing } from '../../src/rotation/stores/dynamodb/index.js';
import { send, startLoopbackServer, type LoopbackServer } from '../../src/testing/http/loopback-server.js';
import { readPolicy } from '../cli/commands/policy-matrix.js';
import { run } from '../cli/run.js';
import { installIamSimulator, readContext, type IamRequest, type Simulate } from '../servers/iam-simulate.js';
import { MOTO_ENV, startMoto, type Moto } from '../servers/moto.js';
import { orSkip } from '../servers/or-skip.js';

const KEY = 'sk-invented/policy+&=0123456789';
const PLACE = 'us-east-1:123456789012';
const TABLE = `arn:aws:dynamodb:${PLACE}:table/key-rings`;
const SECRET_ARN = `arn:aws:secretsmanager:${PLACE}:secret:prod/gold`;
const PARAMETER_ARN = `arn:aws:ssm:${PLACE}:parameter/prod/gold`;
const context = ['--encryption-context', 'service=gold-data-stream'];
const found = await orSkip(async () => ({ simulate: await installIamSimulator(), moto: await startMoto() }));

interface Item {
  readonly name: { S: string };
}

/** The fields of requests that IAM looks at. */
interface Body {
  readonly KeyId?: string;
  readonly TargetKeyId?: string;
  readonly AliasName?: string;
  readonly KeySpec?: string;
  readonly KeyUsage?: string;
  readonly Tags?: { TagKey: string; TagValue: string }[];
  readonly EncryptionContext?: Record<string, string>;
  readonly Key?: Item;
  readonly RequestItems?: Record<string, { Keys: Item[] }>;
}

describe.skipIf(found.skipped !== undefined)(`what goldkey sends to AWS ${found.skipped ?? ''}`, () => {
  const { moto, simulate } = found.server as { moto: Moto; simulate: Simulate };
  let recorder: LoopbackServer;
  let recorded: IamRequest[] = [];
  /** The calls of `create-key`. */
  let created: IamRequest[] = [];
  let keyArn = '';
  let at: string[];
  let ring: string[];

  /** Passes requests on to moto, and notes them as IAM would see them. */
  beforeAll(async () => {
    for (const [name, value] of Object.entries(MOTO_ENV)) vi.stubEnv(name, value);
    recorder = await startLoopbackServer(0, async ({ target, headers, body }, response) => {
      const names = ['authorization', 'content-type', 'x-amz-target', 'x-amz-date'];
      const kept = Object.fromEntries(names.map((name) => [name, headers[name]?.[0] ?? '']));
      const [service = '', operation = ''] = [
        /\/([a-z]+)\/aws4_request/.exec(kept['authorization'] ?? '')?.[1],
        kept['x-amz-target']?.split('.').at(-1),
      ];
      const answer = await fetch(`${moto.url}${target}`, { method: 'POST', headers: kept, body: new Uint8Array(body) });
      recorded.push(...readRequests(service, operation, JSON.parse(body.toString()) as Body));
      send(
        response,
        answer.status,
        Object.fromEntries(answer.headers),
        Buffer.from(await answer.arrayBuffer()).toString(),
      );
    });
    at = ['--endpoint-url', recorder.url, '--region', 'us-east-1'];
    const place = `endpoint=${encodeURIComponent(recorder.url)}&region=us-east-1`;
    ring = ['--ring', `dynamodb://key-rings/gold?${place}`, '--key-id', 'alias/gold', ...context, ...at];
    await moto.reset();
    const dynamodb = new DynamoDBClient({ endpoint: moto.url, region: 'us-east-1' });
    await dynamodb.send(
      new CreateTableCommand({
        TableName: 'key-rings',
        AttributeDefinitions: [{ AttributeName: 'name', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'name', KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    );
    dynamodb.destroy();
    keyArn = (await goldkey('create-key', '--alias', 'alias/gold', ...at)).trim();
    created = recorded;
  });
  beforeEach(() => {
    recorded = [];
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await recorder.close();
    await moto[Symbol.asyncDispose]();
  });

  function readRequests(service: string, operation: string, body: Body): IamRequest[] {
    const action = `${service}:${operation}`;
    const {
      KeyId: keyId = '',
      EncryptionContext: pairs = {},
      Tags: tags = [],
      Key: item,
      RequestItems: batches = {},
    } = body;
    const alias = keyId.startsWith('alias/') ? { 'kms:RequestAlias': keyId } : {};
    const anyKey = `arn:aws:kms:${PLACE}:key/1234abcd-12ab-34cd-56ef-1234567890ab`;
    if (service === 'dynamodb') {
      const keys = [...(item === undefined ? [] : [item]), ...Object.values(batches).flatMap(({ Keys }) => Keys)];
      return [{ action, resource: TABLE, context: { 'dynamodb:LeadingKeys': keys.map(({ name }) => name.S) } }];
    }
    if (service === 'secretsmanager') return [{ action, resource: `${SECRET_ARN}-AbCdEf`, context: {} }];
    if (service === 'ssm') return [{ action, resource: PARAMETER_ARN, context: {} }];
    if (operation === 'CreateKey') {
      const tagged = {
        ...Object.fromEntries(tags.map(({ TagKey, TagValue }) => [`aws:RequestTag/${TagKey}`, TagValue])),
        'aws:TagKeys': tags.map(({ TagKey }) => TagKey),
      };
      const kind = { 'kms:KeySpec': body.KeySpec ?? '', 'kms:KeyUsage': body.KeyUsage ?? '' };
      return [
        { action, resource: '*', context: { ...tagged, ...kind } },
        { action: 'kms:TagResource', resource: anyKey, context: tagged },
      ];
    }
    if (operation === 'CreateAlias') {
      return [`arn:aws:kms:${PLACE}:${body.AliasName ?? ''}`, anyKey].map((resource) => ({
        action,
        resource,
        context: {},
      }));
    }
    return [{ action, resource: keyArn === '' ? anyKey : keyArn, context: { ...readContext(pairs), ...alias } }];
  }

  async function goldkey(...argv: string[]): Promise<string> {
    const ran = await run(argv, { piped: KEY });
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
    return ran.stdout;
  }

  /** A policy allows every call that was recorded, and no action besides. */
  async function expectFits(...argv: string[]): Promise<void> {
    const identity = await readPolicy(...argv);
    for (const request of recorded) {
      expect([request, await simulate(request, { identity })]).toEqual([request, 'allowed']);
    }
    const allowed = identity.Statement.flatMap(({ Action }) => Action);
    expect([...new Set(allowed)].toSorted()).toEqual([...new Set(recorded.map(({ action }) => action))].toSorted());
  }

  async function countDenied(...argv: string[]): Promise<number> {
    const identity = await readPolicy(...argv);
    const verdicts = await Promise.all(recorded.map((request) => simulate(request, { identity })));
    return verdicts.filter((verdict) => verdict === 'denied').length;
  }

  it('create-key fits the creator', async () => {
    recorded = created;
    await expectFits('--for', 'creator', '--key-id', `arn:aws:kms:${PLACE}:alias/gold`);
    await expectFits('--for', 'creator', '--key-id', keyArn);
  });

  it('encrypt fits the writer, and verify the reader', async () => {
    const ciphertext = (await goldkey('encrypt', '--key-id', 'alias/gold', ...context, ...at)).trim();
    await expectFits('--for', 'writer', '--key-id', keyArn, ...context);
    recorded = [];
    await goldkey('verify', '--ciphertext', ciphertext, ...context, ...at);
    await expectFits('--for', 'reader', '--key-id', keyArn, ...context);
    expect(await countDenied('--for', 'writer', '--key-id', keyArn, ...context)).toBe(1);
  });

  it('a rotation fits the rotator, its readers the reader', async () => {
    const inRing = ['--key-id', keyArn, ...context, '--ring', 'dynamodb://key-rings/gold'];
    const place = { clientConfig: { endpoint: recorder.url, region: 'us-east-1' } };
    const store = dynamoDbRing({ tableName: 'key-rings', name: 'gold', ...place });
    await goldkey('rotate', 'init', ...ring);
    expect(recorded.length).toBeGreaterThan(2);
    expect(await countDenied(...inRing)).toBeGreaterThan(0);
    const staged = await run(['rotate', 'stage', ...ring], { piped: `${KEY}-new` });
    expect(staged).toMatchObject({ code: 0 });
    await goldkey('rotate', 'canary', '--percent', '5', ...ring);
    await goldkey('rotate', 'promote', ...ring);
    await goldkey('rotate', 'status', ...ring.slice(0, 2));
    await goldkey('rotate', 'retire', '--force', ...ring);
    await (await store.lease?.('a manager', 1_000))?.release();
    await expectFits('--for', 'rotator', ...inRing);

    recorded = [];
    await goldkey('verify', ...ring);
    await expectFits('--for', 'reader', ...inRing);
    expect(await countDenied('--for', 'rotator', ...inRing)).toBe(0);

    await store.reportUse?.({ instance: 'one', version: 'v2', at: Date.now() });
    expect(await countDenied('--for', 'reader', ...inRing)).toBe(1);
    await expectFits('--for', 'reader', '--report-use', ...inRing);
    await store.close?.();
  });

  it.each([
    ['secrets-manager', `secrets-manager://${SECRET_ARN}`, 'secrets-manager://prod/gold'],
    ['ssm', `ssm://${PARAMETER_ARN}`, 'ssm:///prod/gold'],
  ])('copy and put to %s fit the writer, and verify the reader', async (_, named, store) => {
    vi.stubEnv('GOLD_API_KEY', KEY);
    const copy = ['copy', '--from', 'env://GOLD_API_KEY', '--to', store, ...at];
    await goldkey(...copy);
    await goldkey('put', '--store', store, ...at);
    await expectFits('--for', 'writer', '--store', named);
    expect(await countDenied('--for', 'reader', '--store', named)).toBeGreaterThan(1);
    recorded = [];
    await goldkey('verify', '--store', store, ...at);
    await expectFits('--for', 'reader', '--store', named);
  });
});
