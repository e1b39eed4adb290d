import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startFakeKms, type FakeKms } from '../../../src/testing/fake-kms/server.js';
import { run } from '../run.js';
import {
  ACCOUNT,
  AWS_COMBINATIONS,
  CONTEXT,
  context,
  KEY_ARN,
  printPolicy,
  READER,
  readPolicy,
  type Policy,
} from './policy-matrix.js';

const SECRET = 'sk-typed-by-mistake-0123';
const key = ['--key-id', KEY_ARN];
const list = (value: string | string[]): string[] => [value].flat();
const actionsOf = ({ Statement }: Policy): string[] => Statement.flatMap(({ Action }) => Action);

describe('goldkey policy, for IAM', () => {
  it('lets a reader decrypt with one key under exactly the context, and says nothing else', async () => {
    const ran = await printPolicy(...key, ...context);

    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(ran.stdout)).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'GoldkeyDecrypt',
          Effect: 'Allow',
          Action: 'kms:Decrypt',
          Resource: KEY_ARN,
          Condition: {
            StringEquals: {
              'kms:EncryptionContext:environment': CONTEXT.environment,
              'kms:EncryptionContext:service': CONTEXT.service,
            },
            'ForAllValues:StringEquals': { 'kms:EncryptionContextKeys': ['environment', 'service'] },
          },
        },
      ],
    });
  });

  it.each([
    ['reader', ['kms:Decrypt']],
    ['writer', ['kms:Encrypt']],
    ['rotator', ['kms:Decrypt', 'kms:Encrypt']],
    ['doctor', ['kms:DescribeKey']],
    ['creator', ['kms:DescribeKey', 'kms:CreateKey', 'kms:TagResource', 'kms:CreateAlias']],
  ])('lets a %s call %j alone', async (role, actions) => {
    expect(actionsOf(await readPolicy('--for', role, ...key, ...context))).toEqual(actions);
  });

  it('an empty context is a condition, too', async () => {
    const { Statement } = await readPolicy(...key, '--encryption-context', '{}');
    expect(Statement[0]?.Condition).toEqual({ Null: { 'kms:EncryptionContextKeys': 'true' } });
  });

  it.each([
    ['gold', 'gold'],
    ['/etc/gold/ring.json', 'ring'],
    ['rediss://user:invented@redis.internal:6379/0/gold', 'gold'],
    ['dynamodb://key-rings/gold', 'gold'],
    ['vault://secret/rings/gold', 'gold'],
  ])('the ring %s binds the context to its name', async (ring, name) => {
    const { Statement } = await readPolicy(...key, ...context, '--ring', ring);
    const { StringEquals, 'ForAllValues:StringEquals': names } = Statement[0]?.Condition ?? {};
    expect(StringEquals).toMatchObject({ 'kms:EncryptionContext:goldkey:ring': name });
    expect(names).toEqual({ 'kms:EncryptionContextKeys': ['environment', 'goldkey:ring', 'service'] });
    const named = await readPolicy(...key, ...context, '--ring', ring, '--name', 'other');
    expect(named.Statement[0]?.Condition?.['StringEquals']).toMatchObject({
      'kms:EncryptionContext:goldkey:ring': 'other',
    });
  });

  it('a ring in DynamoDB opens its items alone, and to a reader its reports only when asked', async () => {
    const ring = [...key, ...context, '--ring', 'dynamodb://key-rings/gold'];
    const items = async (...argv: string[]): Promise<unknown[]> =>
      (await readPolicy(...ring, ...argv)).Statement.slice(1).map(({ Sid, Action, Resource, Condition }) => {
        expect(Resource).toBe(`arn:aws:dynamodb:eu-central-1:${ACCOUNT}:table/key-rings`);
        expect(Condition?.['Null']).toEqual({ 'dynamodb:LeadingKeys': 'false' });
        const equal = Condition?.['ForAllValues:StringEquals'] ?? Condition?.['ForAllValues:StringLike'];
        return [Sid, Action, equal?.['dynamodb:LeadingKeys']];
      });
    const [get, update] = ['dynamodb:GetItem', 'dynamodb:UpdateItem'];

    expect(await items()).toEqual([['GoldkeyReadRing', get, ['gold']]]);
    expect(await items('--report-use')).toEqual([
      ['GoldkeyReadRing', get, ['gold']],
      ['GoldkeyReportUse', update, ['gold#use#*']],
    ]);
    expect(await items('--for', 'writer')).toEqual([['GoldkeyWriteRing', [get, update], ['gold']]]);
    expect(await items('--for', 'rotator')).toEqual([
      ['GoldkeyWriteRing', [get, update], ['gold', 'gold#lease']],
      ['GoldkeyReadUse', 'dynamodb:BatchGetItem', ['gold#use#*']],
    ]);
    expect(await items('--for', 'doctor')).toEqual([['GoldkeyReadRing', get, ['gold']]]);
  });

  it.each([
    ['dynamodb://key-rings/gold?region=us-west-2', [], `us-west-2:${ACCOUNT}:table/key-rings`],
    ['dynamodb://key-rings/gold', ['--region', 'us-east-1'], `us-east-1:${ACCOUNT}:table/key-rings`],
    [
      'dynamodb://arn%3Aaws%3Adynamodb%3Aeu-west-1%3A444455556666%3Atable%2Fkey-rings/gold',
      [],
      'eu-west-1:444455556666:table/key-rings',
    ],
  ])('finds the table of %s', async (ring, more, table) => {
    const { Statement } = await readPolicy(...key, ...context, '--ring', ring, ...more);
    expect(Statement[1]?.Resource).toBe(`arn:aws:dynamodb:${table}`);
  });

  it('what a policy would take for a variable or a wildcard is escaped', async () => {
    const tricky = '{"user":"${aws:username}","${x}":"*"}';
    const ring = 'dynamodb://key-rings/a*%24%7Bb%7D%3F';
    const { Statement } = await readPolicy(
      ...[...key, '--encryption-context', tricky, '--ring', ring, '--name', 'gold', '--for', 'rotator'],
    );
    expect(Statement[0]?.Condition).toMatchObject({
      StringEquals: { 'kms:EncryptionContext:user': '${$}{aws:username}', 'kms:EncryptionContext:${x}': '*' },
      'ForAllValues:StringEquals': { 'kms:EncryptionContextKeys': ['${$}{x}', 'goldkey:ring', 'user'] },
    });
    expect(Statement[2]?.Condition?.['ForAllValues:StringLike']).toEqual({
      'dynamodb:LeadingKeys': ['a${*}${$}{b}${?}#use#*'],
    });
  });

  it.each([
    ['secrets-manager://prod/gold#apiKey', `secretsmanager:eu-central-1:${ACCOUNT}:secret:prod/gold-??????`],
    [
      `secrets-manager://arn:aws:secretsmanager:us-east-1:444455556666:secret:gold-AbCdEf`,
      'secretsmanager:us-east-1:444455556666:secret:gold-AbCdEf',
    ],
    ['ssm:///prod/gold:live', `ssm:eu-central-1:${ACCOUNT}:parameter/prod/gold`],
    ['ssm://gold', `ssm:eu-central-1:${ACCOUNT}:parameter/gold`],
    [
      'ssm://arn:aws:ssm:us-east-1:444455556666:parameter/prod/gold:3',
      'ssm:us-east-1:444455556666:parameter/prod/gold',
    ],
  ])('the store %s is opened by its ARN, and the key through the service alone', async (store, arn) => {
    const { Statement } = await readPolicy('--store', store, ...key);
    const [service = '', region = ''] = arn.split(':');
    expect(Statement[0]?.Resource).toBe(`arn:aws:${arn}`);
    expect(Statement[1]).toMatchObject({
      Sid: 'GoldkeyDecryptThroughService',
      Action: 'kms:Decrypt',
      Resource: KEY_ARN,
    });
    const { StringEquals, StringLike } = Statement[1]?.Condition ?? {};
    expect(StringEquals).toMatchObject({ 'kms:ViaService': `${service}.${region}.amazonaws.com` });
    expect(Object.values({ ...StringEquals, ...StringLike })).toContain(`arn:aws:${arn}`);
  });

  it('a store under an AWS managed key takes no statement for it, and a remark says so', async () => {
    const store = 'secrets-manager://arn:aws:secretsmanager:us-east-1:444455556666:secret:gold';
    const ran = await printPolicy('--store', store, '--for', 'rotator');
    expect(actionsOf(JSON.parse(ran.stdout) as Policy)).toEqual([
      'secretsmanager:DescribeSecret',
      'secretsmanager:GetSecretValue',
      'secretsmanager:PutSecretValue',
      'secretsmanager:UpdateSecretVersionStage',
    ]);
    expect(ran.stderr).toBe('If it is encrypted under a customer managed key, give --key-id, too.\n');
  });

  it('a creator makes symmetric keys with one tag, and the alias that it is given by ARN', async () => {
    const alias = `arn:aws:kms:eu-central-1:${ACCOUNT}:alias/gold-api-keys`;
    const { Statement } = await readPolicy('--for', 'creator', '--key-id', alias);
    expect(Statement.map(({ Sid, Resource }) => [Sid, Resource])).toEqual([
      ['GoldkeyFindAlias', `arn:aws:kms:eu-central-1:${ACCOUNT}:key/*`],
      ['GoldkeyCreateKey', '*'],
      ['GoldkeyTagKey', `arn:aws:kms:eu-central-1:${ACCOUNT}:key/*`],
      ['GoldkeyCreateAlias', [alias, `arn:aws:kms:eu-central-1:${ACCOUNT}:key/*`]],
    ]);
    expect(Statement[0]?.Condition).toEqual({ StringEquals: { 'kms:RequestAlias': 'alias/gold-api-keys' } });
    expect(Statement[1]?.Condition).toMatchObject({
      StringEquals: { 'kms:KeySpec': 'SYMMETRIC_DEFAULT', 'kms:KeyUsage': 'ENCRYPT_DECRYPT' },
    });
  });

  it('in China a service has another domain', async () => {
    const arn = KEY_ARN.replace('arn:aws:kms:eu-central-1', 'arn:aws-cn:kms:cn-north-1');
    const { Statement } = await readPolicy('--store', 'ssm://gold', '--key-id', arn);
    expect(Statement[0]?.Resource).toBe(`arn:aws-cn:ssm:cn-north-1:${ACCOUNT}:parameter/gold`);
    expect(JSON.stringify(Statement[1])).toContain('ssm.cn-north-1.amazonaws.com.cn');
  });
});

describe('goldkey policy, limited', () => {
  const limits = ['--vpc-endpoint', 'vpce-0a1b2c3d', '--source-ip', '203.0.113.0/24'];

  it('an endpoint and an address are two statements, since no request has both', async () => {
    const ran = await printPolicy(...key, ...context, ...limits);
    const { Statement } = JSON.parse(ran.stdout) as Policy;
    expect(Statement.map(({ Sid }) => Sid)).toEqual(['GoldkeyDecryptThroughVpcEndpoint', 'GoldkeyDecryptFromSourceIp']);
    expect(Statement[0]?.Condition?.['StringEquals']).toMatchObject({ 'aws:SourceVpce': 'vpce-0a1b2c3d' });
    expect(Statement[0]?.Condition).not.toHaveProperty('IpAddress');
    expect(Statement[1]?.Condition).toMatchObject({ IpAddress: { 'aws:SourceIp': '203.0.113.0/24' } });
    expect(JSON.stringify(Statement[1])).not.toContain('aws:SourceVpce');
    expect(ran.stderr).toMatch(/^A request through an endpoint has no public address[^\n]+\n$/);
  });

  it('MFA must be there, and be an hour old at most or as old as was said', async () => {
    const mfa = [...key, ...context, '--for', 'rotator', '--require-mfa'];
    const find = async (...argv: string[]): Promise<unknown> =>
      (await readPolicy(...mfa, ...argv)).Statement[0]?.Condition;
    const bool = { 'aws:MultiFactorAuthPresent': 'true' };
    expect(await find()).toMatchObject({ Bool: bool, NumericLessThan: { 'aws:MultiFactorAuthAge': '3600' } });
    expect(await find('--max-mfa-age', '15m')).toMatchObject({ NumericLessThan: { 'aws:MultiFactorAuthAge': '900' } });
  });

  it('what a service calls for the caller has neither the address nor the MFA of the caller', async () => {
    const store = ['--store', 'ssm://gold', '--for', 'writer', '--require-mfa', ...limits];
    const { Statement } = await readPolicy(...key, ...store);
    const through = Statement.filter(({ Sid }) => Sid.startsWith('GoldkeyDecryptThroughService'));
    expect(through.map(({ Sid, Condition }) => [Sid, Object.keys(Condition ?? {})])).toEqual([
      ['GoldkeyDecryptThroughService', ['StringEquals']],
    ]);
    expect(Statement.filter(({ Condition }) => Condition?.['Bool'] !== undefined)).toHaveLength(2);
  });

  it('a private address never matches, and a remark says so', async () => {
    const { stderr } = await printPolicy(...key, ...context, '--source-ip', '10.0.0.0/8');
    expect(stderr).toContain('A private address never matches');
    for (const range of ['203.0.113.0/24', '2001:db8::/32', '203.0.113.7']) {
      expect(await printPolicy(...key, ...context, '--source-ip', range)).toMatchObject({ code: 0, stderr: '' });
    }
  });
});

describe('goldkey policy, for other places than IAM', () => {
  it('a key policy keeps the statement of the account, and names its principals', async () => {
    const argv = ['--format', 'key-policy', '--principal', READER, ...key, ...context];
    const { Statement } = await readPolicy(...argv, '--ring', 'dynamodb://key-rings/gold');
    expect(Statement[0]).toEqual({
      Sid: 'GoldkeyEnableIamPolicies',
      Effect: 'Allow',
      Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
      Action: 'kms:*',
      Resource: '*',
    });
    expect(Statement).toHaveLength(2);
    expect(Statement[1]).toMatchObject({ Principal: { AWS: READER }, Action: 'kms:Decrypt', Resource: '*' });
  });

  it('an endpoint lets only the principals through that were named, and no calls of services', async () => {
    const argv = ['--format', 'vpc-endpoint', '--store', 'ssm://gold', ...key];
    const [open, named] = [await readPolicy(...argv), await readPolicy(...argv, '--principal', READER)];
    expect(open.Statement.map(({ Sid, Principal, Condition }) => [Sid, Principal, Condition])).toEqual([
      ['GoldkeyParameter', '*', undefined],
    ]);
    expect(named.Statement[0]?.Condition).toEqual({ ArnEquals: { 'aws:PrincipalArn': READER } });
  });

  it.each([
    ['reader', 'vault://secret/gold/key', { 'secret/data/gold/key': ['read'], 'secret/metadata/gold/key': ['read'] }],
    ['writer', 'vault://secret/gold/key/', { 'secret/data/gold/key': ['create', 'read', 'update'] }],
    ['rotator', 'vault://secret/gold/key', { 'secret/data/gold/key': ['create', 'read', 'update'] }],
    ['doctor', 'vault://secret/gold/key', { 'secret/metadata/gold/key': ['read'] }],
    ['reader', 'vault-transit://transit/gold', { 'transit/decrypt/gold': ['update'] }],
    ['writer', 'vault-transit://transit/gold', { 'transit/encrypt/gold': ['update'] }],
    [
      'rotator',
      'vault-transit://transit/gold',
      { 'transit/decrypt/gold': ['update'], 'transit/encrypt/gold': ['update'] },
    ],
    ['doctor', 'vault-transit://transit/gold', { 'transit/keys/gold': ['read'] }],
  ])('a %s of %s has these paths in Vault: %j', async (role, store, paths) => {
    const argv = ['--for', role, '--store', store];
    const [hcl, json] = [await printPolicy(...argv), await printPolicy(...argv, '--json')];
    const rules = Object.entries(paths).map(
      ([path, capabilities]) =>
        `path "${path}" {\n  capabilities = [${capabilities.map((each) => `"${each}"`).join(', ')}]\n}`,
    );
    expect(hcl.stdout).toBe(`${rules.join('\n\n')}\n`);
    expect(JSON.parse(json.stdout)).toEqual({
      path: Object.fromEntries(Object.entries(paths).map(([path, capabilities]) => [path, { capabilities }])),
    });
    expect(hcl.stderr).toBe('Give the token the `default` policy of Vault, too: it lets a token renew itself.\n');
  });

  it.each([
    ['reader', { 'kv/data/rings/gold': ['read'] }],
    ['writer', { 'kv/data/rings/gold': ['create', 'read', 'update'] }],
    [
      'rotator',
      {
        'kv/data/rings/gold': ['create', 'read', 'update'],
        'kv/data/rings/gold.lease': ['create', 'read', 'update'],
      },
    ],
  ])('a %s of a ring in Vault has these paths there: %j', async (role, paths) => {
    const ring = ['--format', 'vault', '--ring', 'vault://kv/rings/gold', '--json'];
    const { stdout } = await printPolicy('--for', role, ...ring);
    expect(JSON.parse(stdout)).toEqual({
      path: Object.fromEntries(Object.entries(paths).map(([path, capabilities]) => [path, { capabilities }])),
    });
  });

  it.each([
    ['reader', '4633458b-17de-408a-b874-0445c86b69e6'],
    ['writer', 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'],
    ['rotator', 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'],
    ['doctor', '21090545-7ca7-4776-b22c-e363652d74d2'],
  ])('a %s in Azure gets the role %s for one secret', async (role, id) => {
    const ran = await printPolicy('--for', role, '--store', 'azure-key-vault://gold.vault.azure.net/metals-key');
    const { resources } = JSON.parse(ran.stdout) as { resources: Record<string, unknown>[] };
    expect(resources).toHaveLength(1);
    expect(resources[0]).toMatchObject({
      type: 'Microsoft.Authorization/roleAssignments',
      scope: 'Microsoft.KeyVault/vaults/gold/secrets/metals-key',
      properties: {
        roleDefinitionId: `[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '${id}')]`,
        principalId: "[parameters('principalId')]",
      },
    });
    expect(ran.stderr).toContain('az deployment group create');
    expect(ran.stderr.includes('may delete the secret')).toBe(id.startsWith('b86a'));
  });

  it.each([
    [['--ring', 'rediss://redis.internal/gold'], 'The ring in Redis needs an ACL'],
    [['--ring', 'vault://secret/rings/gold'], 'The ring in Vault needs a policy of --format vault'],
    [['--for', 'rotator'], 'Without --ring the policy suits `copy` only'],
    [['--for', 'writer', '--ring', 'gold'], 'need --for rotator'],
    [['--for', 'doctor'], 'Attach it beside the policy of the role'],
    [['--format', 'key-policy', '--principal', READER], 'A key policy is replaced as a whole'],
    [['--format', 'vpc-endpoint'], 'Each endpoint belongs to one service'],
  ])('%j is told what else it takes', async (argv, remark) => {
    const ran = await printPolicy(...key, ...context, ...argv);
    expect(ran.code).toBe(0);
    expect(ran.stderr).toContain(remark);
  });
});

describe('goldkey policy, for a key that is not named by its ARN', () => {
  let kms: FakeKms;
  let at: string[];
  beforeAll(async () => {
    kms = await startFakeKms();
    at = ['--endpoint-url', kms.url, '--region', kms.region];
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'invented');
    vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await kms.close();
  });

  beforeEach(() => {
    kms.reset();
  });

  it('asks KMS once for the ARN of an alias or an id, and never for an ARN', async () => {
    const { stdout } = await run(['create-key', '--alias', 'alias/gold-api-keys', ...at]);
    const arn = stdout.trim();
    const before = kms.requests.length;
    for (const keyId of ['alias/gold-api-keys', arn.split('/').at(-1) ?? '', arn]) {
      const { Statement } = await readPolicy('--key-id', keyId, ...context, ...at);
      expect(Statement[0]?.Resource).toBe(arn);
    }
    expect(kms.requests.slice(before).map(({ operation }) => operation)).toEqual(['DescribeKey', 'DescribeKey']);
  });

  it('asks in the Region that the ARN of an alias names', async () => {
    const arn = (await run(['create-key', '--alias', 'alias/gold-api-keys', ...at])).stdout.trim();
    const alias = arn.replace(/key\/.*$/, 'alias/gold-api-keys');
    const { Statement } = await readPolicy('--key-id', alias, ...context, '--endpoint-url', kms.url);
    expect(Statement[0]?.Resource).toBe(arn);
  });

  it.each([
    ['is not there', 'alias/no-such-key', undefined],
    ['may not be described', 'alias/gold-api-keys', 'access-denied'],
    ['is asked for with an expired token', 'alias/gold-api-keys', 'expired-token'],
  ] as const)('a key that %s needs its ARN: exit code 2 in one line', async (_, keyId, fault) => {
    if (fault !== undefined) kms.inject(fault, { times: Infinity });
    const ran = await printPolicy('--key-id', keyId, ...context, ...at);
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toMatch(/^goldkey: --key-id needs the key's ARN, arn:aws:kms:REGION:ACCOUNT:key\/ID; [^\n]+\n$/);
  });

  it('an alias that a creator has yet to create needs its ARN', async () => {
    const ran = await printPolicy('--for', 'creator', '--key-id', 'alias/to-come', ...at);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain("needs the key's ARN, arn:aws:kms:REGION:ACCOUNT:alias/NAME");
  });
});

describe('goldkey policy, used wrongly', () => {
  const aws = [...key, ...context];
  const cases: [string[], RegExp][] = [
    [[], /--key-id and --encryption-context are required, e\.g\. --key-id alias/],
    [key, /^goldkey: --encryption-context is required, e\.g\./],
    [context, /^goldkey: --key-id is required/],
    [['--for', 'doctor'], /--key-id is required/],
    [['--for', SECRET, ...aws], /--for has a wrong value: choose reader, writer, rotator, doctor, creator/],
    [['--format', SECRET, ...aws], /--format has a wrong value: choose iam, key-policy, vpc-endpoint, vault, azure/],
    [['--require-mfa', ...aws], /--require-mfa cannot be used with --for reader: a service has no MFA session/],
    [['--max-mfa-age', '1h', '--for', 'writer', ...aws], /--max-mfa-age needs --require-mfa/],
    [['--max-mfa-age', '37h', ...aws], /--max-mfa-age must be from 1s to 36h/],
    [['--max-mfa-age', SECRET, ...aws], /--max-mfa-age must be a time/],
    [['--principal', READER, ...aws], /--principal is for --format key-policy and vpc-endpoint/],
    [['--principal', SECRET, ...aws], /--principal must be the ARN of a role, a user or an account root/],
    [['--principal', '*', ...aws], /--principal must be the ARN/],
    [['--principal', `arn:aws:iam::${ACCOUNT}:role/*`, ...aws], /--principal must be the ARN/],
    [['--format', 'key-policy', ...aws], /^goldkey: --principal is required, e\.g\. --principal arn:aws:iam/],
    [['--format', 'key-policy'], /--key-id, --encryption-context, and --principal are required/],
    [['--format', 'key-policy', '--for', 'creator', '--principal', READER, ...key], /there is no key yet/],
    [['--format', 'vpc-endpoint', '--source-ip', '203.0.113.7', ...aws], /--source-ip has no effect/],
    [
      ['--format', 'vpc-endpoint', '--principal', `arn:aws:iam::${ACCOUNT}:root`, ...aws],
      /--principal must be roles and users/,
    ],
    [['--vpc-endpoint', SECRET, ...aws], /--vpc-endpoint must be the id of a VPC endpoint/],
    [['--source-ip', SECRET, ...aws], /--source-ip must be an IP address or a range/],
    [['--source-ip', '203.0.113.0/33', ...aws], /--source-ip must be/],
    [['--source-ip', '2001:db8::/129', ...aws], /--source-ip must be/],
    [['--source-ip', '203.0.113.0/24/8', ...aws], /--source-ip must be/],
    [['--report-use', '--ring', 'gold', ...aws], /--report-use is for --for reader with --ring dynamodb/],
    [['--report-use', '--ring', 'dynamodb://rings/gold', '--for', 'rotator', ...aws], /--report-use is for/],
    [['--store', `file://${SECRET}`], /--store must start with secrets-manager:\/\/.* a file is protected by its mode/],
    [['--store', SECRET], /--store must start with/],
    [['--store', 'secrets-manager://', ...key], /must name a secret, or its ARN/],
    [['--store', `secrets-manager://${SECRET}*`, ...key], /must name a secret, or its ARN/],
    [['--store', 'secrets-manager://gold'], /needs the secret's ARN in its place, or --key-id/],
    [['--store', 'ssm://gold'], /needs the parameter's ARN in its place, or --key-id/],
    [['--store', 'ssm://', ...key], /must name a parameter, or its ARN/],
    [['--store', 'ssm://gold', '--for', 'creator', ...key], /a secret or parameter is made by --for writer/],
    [['--store', 'azure-key-vault://gold.vault.azure.net'], /must name a vault by its host, and a secret/],
    [['--store', "azure-key-vault://gold.vault.azure.net/a'b"], /must name a vault by its host, and a secret/],
    [['--store', 'azure-key-vault://gold.vault.azure.net/key', '--for', 'creator'], /goldkey makes no vaults in Azure/],
    [['--format', 'azure', ...aws], /--format azure needs --store azure-key-vault/],
    [['--store', 'vault://secret'], /--store must name a mount and a path in Vault/],
    [['--store', 'vault://secret/gold/*'], /--store must name a mount and a path in Vault, without \*/],
    [['--store', 'vault://secret/+/gold'], /without \*, \+ alone/],
    [['--store', 'vault://secret/{{identity.entity.id}}'], /without .* braces/],
    [['--store', 'vault://secret/../gold'], /--store must name a mount and a path/],
    [['--ring', 'vault://secret/rings/*', '--format', 'vault'], /--ring must name a mount and a path in Vault/],
    [['--format', 'vault', ...aws], /--format vault needs --store vault:/],
    [['--store', 'vault://secret/gold', '--format', 'iam'], /name nothing in AWS: use --format vault or azure/],
    [['--store', 'vault://secret/gold', '--for', 'creator'], /goldkey makes neither keys nor mounts in Vault/],
    [['--store', 'vault://secret/gold', '--source-ip', '203.0.113.7'], /--source-ip is for policies of AWS/],
    [['--store', 'vault://secret/gold', '--for', 'writer', '--require-mfa'], /--require-mfa is for policies of AWS/],
    [['--store', 'azure-key-vault://gold/key', '--vpc-endpoint', 'vpce-1'], /--vpc-endpoint is for policies of AWS/],
    [['--ring', 'dynamodb://x/gold', ...aws], /must name a table, or its ARN/],
    [['--ring', 'dynamodb://key-rings/%zz', ...aws], /--ring is not a valid URL/],
    [['--ring', 'rediss://redis.internal', ...aws], /--name is required/],
    [['--ring', `rediss://user:${SECRET}@redis internal/gold`, ...aws], /--ring is not a valid URL/],
    [['--ring', 'https://example.com/gold', ...aws], /--ring must be a name or a file, or start with/],
    [['--ring', 'gold', '--name', 'a ring', ...aws], /`name` must be 1 to 128 letters/],
    [[...key, '--encryption-context', '{"A":"1","a":"1"}'], /two names that differ in case alone/],
    [
      [...aws, '--encryption-context', 'goldkey:ring=other', '--ring', 'gold'],
      /must not hold `goldkey:ring`, which --ring adds/,
    ],
    [['--key-id', SECRET.repeat(2), ...context], /what may be a secret/],
    [['--local', '--master-key', 'master.key', ...context], /--local needs no policy/],
    [[SECRET], /Too many arguments/],
  ];

  it.each(cases)('%j exits with 2 and one line that repeats nothing secret', async (argv, message) => {
    const ran = await printPolicy(...argv);
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toMatch(message);
    expect(ran.stderr).toMatch(/^goldkey: [^\n]+\n$/);
    expect(ran.stderr).not.toContain(SECRET);
  });
});

describe('every policy', () => {
  it('is JSON with stable, alphanumeric, unique Sids, and allows nothing to everybody', async () => {
    for (const argv of AWS_COMBINATIONS) {
      const { Version, Statement } = await readPolicy(...argv);
      expect(Version).toBe('2012-10-17');
      const sids = Statement.map(({ Sid }) => Sid);
      expect(new Set(sids).size).toBe(sids.length);
      for (const sid of sids) expect(sid).toMatch(/^Goldkey[A-Za-z0-9]+$/);
      const actions = Statement.filter(({ Sid }) => Sid !== 'GoldkeyEnableIamPolicies').flatMap(({ Action }) =>
        list(Action),
      );
      expect(actions.join(' ')).not.toMatch(/\*|PutKeyPolicy|ScheduleKeyDeletion/);
    }
    expect(AWS_COMBINATIONS.length).toBeGreaterThan(250);
  });

  it('is the same for the same options in another order', async () => {
    const limits = ['--source-ip', '203.0.113.0/24', '--source-ip', '198.51.100.7'];
    const [first, second] = [
      ['--encryption-context', 'service=a,environment=b', ...limits, ...key],
      [...key, ...limits.slice(2), ...limits.slice(0, 2), ...limits, '--encryption-context', 'environment=b,service=a'],
    ];
    expect((await printPolicy(...second)).stdout).toBe((await printPolicy(...first)).stdout);
    expect((await printPolicy(...first)).stdout).toBe((await printPolicy(...first)).stdout);
  });

  it('is indented where that fits into 6,144 characters, else short, else refused', async () => {
    const print = (count: number) => {
      const ranges = Array.from(
        { length: count },
        (_, index) => `203.${String(index >> 8)}.${String(index & 255)}.0/24`,
      );
      return printPolicy(...key, ...context, ...ranges.flatMap((range) => ['--source-ip', range]));
    };
    const [few, many, tooMany] = [await print(2), await print(250), await print(400)];

    expect(few.stdout).toContain('\n  "Version"');
    expect(many).toMatchObject({ code: 0, stderr: '' });
    expect(many.stdout.trimEnd()).not.toContain('\n');
    expect(many.stdout.trimEnd().length).toBeLessThanOrEqual(6_144);
    expect((JSON.parse(many.stdout) as Policy).Statement).toHaveLength(1);
    expect(tooMany).toMatchObject({ code: 1, stdout: '' });
    expect(tooMany.stderr).toMatch(
      /^goldkey: The policy has \d,\d{3} characters, and a managed policy at most 6,144: [^\n]+\n$/,
    );
  });

  it('is ASCII, as a key policy must be', async () => {
    const { stdout } = await printPolicy(...key, '--encryption-context', 'stadt=Zürich–Süd');
    expect(stdout).toMatch(/^[\n -~]+$/);
    expect(stdout).toContain('Z\\u00fcrich\\u2013S\\u00fcd');
    expect(JSON.parse(stdout)).toMatchObject({
      Statement: [{ Condition: { StringEquals: { 'kms:EncryptionContext:stadt': 'Zürich–Süd' } } }],
    });
  });
});
