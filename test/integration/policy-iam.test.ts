import { describe, expect, it } from 'vitest';
import { ACCOUNT, CONTEXT, context, KEY_ARN, READER, readPolicy } from '../cli/commands/policy-matrix.js';
import {
  installIamSimulator,
  readContext as seen,
  type RequestContext,
  type Simulate,
} from '../servers/iam-simulate.js';
import { orSkip } from '../servers/or-skip.js';

const found = await orSkip(installIamSimulator);

const inRing = seen({ ...CONTEXT, 'goldkey:ring': 'gold' });
const plain = seen(CONTEXT);
const OTHER_KEY = KEY_ARN.replace('1234abcd-12ab', '99999999-12ab');
const REGION = `arn:aws:kms:eu-central-1:${ACCOUNT}`;
const TABLE = `arn:aws:dynamodb:eu-central-1:${ACCOUNT}:table/key-rings`;
const SECRET_ARN = `arn:aws:secretsmanager:eu-central-1:${ACCOUNT}:secret:prod/gold-AbCdEf`;
const PARAMETER = `arn:aws:ssm:eu-central-1:${ACCOUNT}:parameter/prod/gold`;
const THROUGH_SECRETS = {
  'kms:ViaService': 'secretsmanager.eu-central-1.amazonaws.com',
  ...seen({ SecretARN: SECRET_ARN, SecretVersionId: 'v1' }),
};
const THROUGH_SSM = { 'kms:ViaService': 'ssm.eu-central-1.amazonaws.com', ...seen({ PARAMETER_ARN: PARAMETER }) };
const ENDPOINT = { 'aws:SourceVpce': 'vpce-0a1b2c3d' };
const INSIDE = { 'aws:SourceIp': '203.0.113.9' };
const OUTSIDE = { 'aws:SourceIp': '192.0.2.9' };
const MFA = { 'aws:MultiFactorAuthPresent': 'true', 'aws:MultiFactorAuthAge': '120' };
const TAGGED = { 'aws:RequestTag/created-by': 'goldkey', 'aws:TagKeys': ['created-by'] };
const SYMMETRIC = { 'kms:KeySpec': 'SYMMETRIC_DEFAULT', 'kms:KeyUsage': 'ENCRYPT_DECRYPT' };
const items = (...names: string[]): RequestContext => ({ 'dynamodb:LeadingKeys': names });

const key = ['--key-id', KEY_ARN];
const reader = [...key, ...context];
const limited = [...reader, '--for', 'rotator', '--vpc-endpoint', 'vpce-0a1b2c3d', '--source-ip', '203.0.113.0/24'];
const mfa = [...reader, '--for', 'rotator', '--require-mfa'];
const ringReader = [...reader, '--ring', 'dynamodb://key-rings/gold'];
const reporter = [...ringReader, '--report-use'];
const rotator = [...ringReader, '--for', 'rotator'];
const secret = [...key, '--store', 'secrets-manager://prod/gold'];
const parameter = [...key, '--store', 'ssm:///prod/gold'];
const creator = ['--for', 'creator', '--key-id', `${REGION}:alias/gold`];
const empty = [...key, '--encryption-context', '{}'];

/** The options of a policy, a request, and what IAM decides about it. */
type Row = [
  argv: string[],
  claim: string,
  verdict: 'allowed' | 'denied',
  action: string,
  resource: string,
  context: RequestContext,
];

const ROWS: Row[] = [
  [reader, 'a reader decrypts', 'allowed', 'kms:Decrypt', KEY_ARN, plain],
  [reader, 'with a wrong value', 'denied', 'kms:Decrypt', KEY_ARN, seen({ ...CONTEXT, service: 'other' })],
  [
    reader,
    'with a value in another case',
    'denied',
    'kms:Decrypt',
    KEY_ARN,
    seen({ ...CONTEXT, service: 'Gold-Data-Stream' }),
  ],
  [reader, 'without one pair', 'denied', 'kms:Decrypt', KEY_ARN, seen({ service: CONTEXT.service })],
  [reader, 'with an extra pair', 'denied', 'kms:Decrypt', KEY_ARN, seen({ ...CONTEXT, more: 'x' })],
  [reader, 'without a context', 'denied', 'kms:Decrypt', KEY_ARN, {}],
  [
    reader,
    'with a key of another case',
    'denied',
    'kms:Decrypt',
    KEY_ARN,
    { ...plain, 'kms:EncryptionContextKeys': ['Service', 'environment'] },
  ],
  [reader, 'a version of a ring', 'denied', 'kms:Decrypt', KEY_ARN, inRing],
  [reader, 'with another key', 'denied', 'kms:Decrypt', OTHER_KEY, plain],
  [reader, 'a reader encrypts', 'denied', 'kms:Encrypt', KEY_ARN, plain],
  [reader, 'a reader describes the key', 'denied', 'kms:DescribeKey', KEY_ARN, {}],
  [reader, 'a reader makes a data key', 'denied', 'kms:GenerateDataKey', KEY_ARN, plain],
  [reader, 'a reader deletes the key', 'denied', 'kms:ScheduleKeyDeletion', KEY_ARN, {}],
  [reader, 'a reader changes the key policy', 'denied', 'kms:PutKeyPolicy', KEY_ARN, {}],
  [empty, 'an empty context, and none', 'allowed', 'kms:Decrypt', KEY_ARN, {}],
  [empty, 'an empty context, and one', 'denied', 'kms:Decrypt', KEY_ARN, plain],
  [[...reader, '--for', 'writer'], 'a writer encrypts', 'allowed', 'kms:Encrypt', KEY_ARN, plain],
  [[...reader, '--for', 'writer'], 'a writer decrypts', 'denied', 'kms:Decrypt', KEY_ARN, plain],
  [
    [...reader, '--for', 'writer'],
    'a writer, with a wrong value',
    'denied',
    'kms:Encrypt',
    KEY_ARN,
    seen({ ...CONTEXT, service: 'x' }),
  ],
  [[...reader, '--for', 'doctor'], 'a doctor looks', 'allowed', 'kms:DescribeKey', KEY_ARN, {}],
  [[...reader, '--for', 'doctor'], 'a doctor decrypts', 'denied', 'kms:Decrypt', KEY_ARN, plain],
  [[...reader, '--for', 'doctor'], 'a doctor disables', 'denied', 'kms:DisableKey', KEY_ARN, {}],
  [ringReader, 'a version of its ring', 'allowed', 'kms:Decrypt', KEY_ARN, inRing],
  [
    ringReader,
    'a version of another ring',
    'denied',
    'kms:Decrypt',
    KEY_ARN,
    seen({ ...CONTEXT, 'goldkey:ring': 'silver' }),
  ],
  [ringReader, 'a ciphertext of no ring', 'denied', 'kms:Decrypt', KEY_ARN, plain],
  [ringReader, 'reads the ring', 'allowed', 'dynamodb:GetItem', TABLE, items('gold')],
  [ringReader, 'reads another ring', 'denied', 'dynamodb:GetItem', TABLE, items('silver')],
  [ringReader, 'reads several items', 'denied', 'dynamodb:BatchGetItem', TABLE, items('gold')],
  [
    ringReader,
    'reads another table',
    'denied',
    'dynamodb:GetItem',
    TABLE.replace('key-rings', 'others'),
    items('gold'),
  ],
  [ringReader, 'reads all', 'denied', 'dynamodb:Scan', TABLE, {}],
  [ringReader, 'writes the ring', 'denied', 'dynamodb:UpdateItem', TABLE, items('gold')],
  [ringReader, 'reports unasked', 'denied', 'dynamodb:UpdateItem', TABLE, items('gold#use#20000#3')],
  [reporter, 'reports', 'allowed', 'dynamodb:UpdateItem', TABLE, items('gold#use#20000#3')],
  [reporter, 'writes the ring while reporting', 'denied', 'dynamodb:UpdateItem', TABLE, items('gold')],
  [reporter, 'takes the lease', 'denied', 'dynamodb:UpdateItem', TABLE, items('gold#lease')],
  [reporter, 'reports about another ring', 'denied', 'dynamodb:UpdateItem', TABLE, items('gold2#use#20000#3')],
  [rotator, 'rotates: encrypts', 'allowed', 'kms:Encrypt', KEY_ARN, inRing],
  [rotator, 'rotates: decrypts', 'allowed', 'kms:Decrypt', KEY_ARN, inRing],
  [rotator, 'rotates: writes', 'allowed', 'dynamodb:UpdateItem', TABLE, items('gold')],
  [rotator, 'rotates: leases', 'allowed', 'dynamodb:UpdateItem', TABLE, items('gold#lease')],
  [rotator, 'rotates: reads reports', 'allowed', 'dynamodb:BatchGetItem', TABLE, items('gold#use#1#0', 'gold#use#2#7')],
  [
    rotator,
    'rotates: reads other items along',
    'denied',
    'dynamodb:BatchGetItem',
    TABLE,
    items('gold#use#1#0', 'silver'),
  ],
  [rotator, 'rotates: forges a report', 'denied', 'dynamodb:UpdateItem', TABLE, items('gold#use#20000#3')],
  [rotator, 'rotates: deletes', 'denied', 'dynamodb:DeleteItem', TABLE, items('gold')],
  [rotator, 'rotates: drops the table', 'denied', 'dynamodb:DeleteTable', TABLE, {}],
  [limited, 'through the endpoint', 'allowed', 'kms:Encrypt', KEY_ARN, { ...plain, ...ENDPOINT }],
  [limited, 'from the address', 'allowed', 'kms:Decrypt', KEY_ARN, { ...plain, ...INSIDE }],
  [limited, 'from another address', 'denied', 'kms:Decrypt', KEY_ARN, { ...plain, ...OUTSIDE }],
  [limited, 'through another endpoint', 'denied', 'kms:Decrypt', KEY_ARN, { ...plain, 'aws:SourceVpce': 'vpce-9' }],
  [limited, 'from nowhere', 'denied', 'kms:Decrypt', KEY_ARN, plain],
  [
    limited,
    'from the address with a wrong value',
    'denied',
    'kms:Decrypt',
    KEY_ARN,
    { ...seen({ ...CONTEXT, service: 'x' }), ...INSIDE },
  ],
  [mfa, 'with MFA', 'allowed', 'kms:Encrypt', KEY_ARN, { ...plain, ...MFA }],
  [mfa, 'without MFA', 'denied', 'kms:Encrypt', KEY_ARN, plain],
  [
    mfa,
    'with MFA that is false',
    'denied',
    'kms:Encrypt',
    KEY_ARN,
    { ...plain, ...MFA, 'aws:MultiFactorAuthPresent': 'false' },
  ],
  [
    mfa,
    'with MFA of yesterday',
    'denied',
    'kms:Encrypt',
    KEY_ARN,
    { ...plain, ...MFA, 'aws:MultiFactorAuthAge': '86400' },
  ],
  [secret, 'a secret is read', 'allowed', 'secretsmanager:GetSecretValue', SECRET_ARN, {}],
  [
    secret,
    'another secret is read',
    'denied',
    'secretsmanager:GetSecretValue',
    SECRET_ARN.replace('gold', 'silver'),
    {},
  ],
  [
    secret,
    'a secret whose name is longer',
    'denied',
    'secretsmanager:GetSecretValue',
    SECRET_ARN.replace('gold', 'gold-2'),
    {},
  ],
  [secret, 'a reader puts a secret', 'denied', 'secretsmanager:PutSecretValue', SECRET_ARN, {}],
  [secret, 'its key, through the service', 'allowed', 'kms:Decrypt', KEY_ARN, THROUGH_SECRETS],
  [
    secret,
    'its key, directly',
    'denied',
    'kms:Decrypt',
    KEY_ARN,
    seen({ SecretARN: SECRET_ARN, SecretVersionId: 'v1' }),
  ],
  [
    secret,
    'its key, for another secret',
    'denied',
    'kms:Decrypt',
    KEY_ARN,
    { ...THROUGH_SECRETS, ...seen({ SecretARN: SECRET_ARN.replace('gold', 'silver') }) },
  ],
  [
    [...secret, '--for', 'writer'],
    'a writer puts a secret',
    'allowed',
    'secretsmanager:PutSecretValue',
    SECRET_ARN,
    {},
  ],
  [[...secret, '--for', 'writer'], 'a writer makes it', 'allowed', 'secretsmanager:CreateSecret', SECRET_ARN, {}],
  [
    [...secret, '--for', 'writer'],
    'a writer, through the service',
    'allowed',
    'kms:GenerateDataKey',
    KEY_ARN,
    THROUGH_SECRETS,
  ],
  [[...secret, '--for', 'writer'], 'a writer deletes it', 'denied', 'secretsmanager:DeleteSecret', SECRET_ARN, {}],
  [
    [...secret, '--for', 'rotator'],
    'a rotation moves a label',
    'allowed',
    'secretsmanager:UpdateSecretVersionStage',
    SECRET_ARN,
    {},
  ],
  [parameter, 'a parameter is read', 'allowed', 'ssm:GetParameter', PARAMETER, {}],
  [parameter, 'another parameter is read', 'denied', 'ssm:GetParameter', `${PARAMETER}2`, {}],
  [parameter, 'a reader puts a parameter', 'denied', 'ssm:PutParameter', PARAMETER, {}],
  [parameter, 'the key of a parameter', 'allowed', 'kms:Decrypt', KEY_ARN, THROUGH_SSM],
  [parameter, 'the key of a parameter, to encrypt', 'denied', 'kms:Encrypt', KEY_ARN, THROUGH_SSM],
  [[...parameter, '--for', 'writer'], 'a writer puts a parameter', 'allowed', 'ssm:PutParameter', PARAMETER, {}],
  [[...parameter, '--for', 'writer'], 'a writer encrypts a parameter', 'allowed', 'kms:Encrypt', KEY_ARN, THROUGH_SSM],
  [creator, 'a creator creates', 'allowed', 'kms:CreateKey', '*', { ...TAGGED, ...SYMMETRIC }],
  [
    creator,
    'a creator creates another kind',
    'denied',
    'kms:CreateKey',
    '*',
    { ...TAGGED, ...SYMMETRIC, 'kms:KeySpec': 'RSA_2048' },
  ],
  [creator, 'a creator creates without the tag', 'denied', 'kms:CreateKey', '*', SYMMETRIC],
  [creator, 'a creator names it', 'allowed', 'kms:CreateAlias', `${REGION}:alias/gold`, {}],
  [creator, 'a creator takes another name', 'denied', 'kms:CreateAlias', `${REGION}:alias/silver`, {}],
  [creator, 'a creator moves the name', 'denied', 'kms:UpdateAlias', `${REGION}:alias/gold`, {}],
  [
    creator,
    'a creator tags as it likes',
    'denied',
    'kms:TagResource',
    KEY_ARN,
    { 'aws:RequestTag/team': 'x', 'aws:TagKeys': ['team'] },
  ],
  [creator, 'a creator decrypts', 'denied', 'kms:Decrypt', KEY_ARN, plain],
];

describe.skipIf(found.skipped !== undefined)(`policies as IAM would decide ${found.skipped ?? ''}`, () => {
  const simulate = found.server as Simulate;

  it.each(ROWS)('%#: %j: %s is %s', async (argv, _, verdict, action, resource, requestContext) => {
    const identity = await readPolicy(...argv);
    expect(await simulate({ action, resource, context: requestContext }, { identity })).toBe(verdict);
  });

  it('more than 40 requests were decided about, allowed and denied', () => {
    const count = (wanted: string): number => ROWS.filter(([, , verdict]) => verdict === wanted).length;
    expect(count('allowed')).toBeGreaterThan(20);
    expect(count('denied')).toBeGreaterThan(30);
  });

  it('a key policy lets its principals use the key without a policy in IAM, and leaves the rest to IAM', async () => {
    const policy = await readPolicy('--format', 'key-policy', '--principal', READER, ...reader);
    const decide = (principal: string, action: string, identity?: object) =>
      simulate({ principal, action, resource: KEY_ARN, context: plain }, { key: policy, identity });
    const other = `arn:aws:iam::${ACCOUNT}:role/other`;
    const all = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'kms:*', Resource: '*' }] };

    expect(await decide(READER, 'kms:Decrypt')).toBe('allowed');
    expect(await decide(READER, 'kms:Encrypt')).toBe('denied');
    expect(await decide(other, 'kms:Decrypt')).toBe('denied');
    expect(await decide(other, 'kms:Decrypt', await readPolicy(...reader))).toBe('allowed');
    expect(await decide(other, 'kms:PutKeyPolicy', all)).toBe('allowed');
    const { Version, Statement } = policy;
    const withoutRoot = { Version, Statement: Statement.slice(1) };
    const locked = { principal: other, action: 'kms:PutKeyPolicy', resource: KEY_ARN, context: {} };
    expect(await simulate(locked, { key: withoutRoot, identity: all })).toBe('denied');
  });
});
