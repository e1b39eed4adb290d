import { UsageError } from '../../errors.js';
import type { ArnPlace, KmsArn } from './kms-arn.js';
import { escapePattern, escapeText, type Conditions, type Grant } from './kms-grants.js';
import type { PolicyRole } from './names.js';
import type { RingPlace } from './places.js';

/** Parts that the ARN of a store takes from the options where the store's own name is no ARN. */
export interface Defaults {
  readonly key: KmsArn | undefined;
  readonly region: string | undefined;
}

const SECRET_ACTIONS: Readonly<Partial<Record<PolicyRole, readonly string[]>>> = {
  reader: ['GetSecretValue'],
  writer: ['CreateSecret', 'GetSecretValue', 'PutSecretValue'],
  // The function that Secrets Manager calls for a rotation moves the labels.
  rotator: ['DescribeSecret', 'GetSecretValue', 'PutSecretValue', 'UpdateSecretVersionStage'],
};

/** Grants a secret of Secrets Manager, and through that service alone the key that it is encrypted under. */
export function grantSecret(role: PolicyRole, id: string, defaults: Defaults): Grant[] {
  const form = /^(?:arn:(aws[a-z-]*):secretsmanager:([a-z0-9-]+):(\d{12}):secret:)?([\w/+=.@-]{1,519})$/;
  const [, partition, region, account, name] = form.exec(id) ?? [];
  if (name === undefined) throw new UsageError('--store secrets-manager://… must name a secret, or its ARN.');
  const place = choosePlace({ partition, region, account }, defaults, '--store secrets-manager://NAME', 'secret');
  // Secrets Manager adds a dash and six characters to each name, which an ARN that is given may hold.
  const isWhole = partition !== undefined && /-[A-Za-z0-9]{6}$/.test(name);
  const arn = `${formatArn('secretsmanager', place)}:secret:${name}${isWhole ? '' : '-??????'}`;
  return [
    {
      sid: 'GoldkeySecret',
      actions: (SECRET_ACTIONS[role] ?? []).map((action) => `secretsmanager:${action}`),
      resources: [arn],
    },
    ...grantThrough('secretsmanager', place, defaults.key, role === 'reader' ? [] : ['GenerateDataKey'], {
      [isWhole ? 'StringEquals' : 'StringLike']: { 'kms:EncryptionContext:SecretARN': arn },
    }),
  ];
}

/** Grants a parameter of Parameter Store, and through that service alone the key that it is encrypted under. */
export function grantParameter(role: PolicyRole, id: string, defaults: Defaults): Grant[] {
  // The version or label at its end is no part of the resource.
  const form = /^(?:arn:(aws[a-z-]*):ssm:([a-z0-9-]+):(\d{12}):parameter(?=\/))?\/?([\w./-]{1,1011})(?::[\w.-]+)?$/;
  const [, partition, region, account, name] = form.exec(id) ?? [];
  if (name === undefined) throw new UsageError('--store ssm://… must name a parameter, or its ARN.');
  const place = choosePlace({ partition, region, account }, defaults, '--store ssm://NAME', 'parameter');
  const arn = `${formatArn('ssm', place)}:parameter/${name}`;
  const isReader = role === 'reader';
  return [
    {
      sid: 'GoldkeyParameter',
      actions: isReader ? ['ssm:GetParameter'] : ['ssm:GetParameter', 'ssm:PutParameter'],
      resources: [arn],
    },
    ...grantThrough('ssm', place, defaults.key, isReader ? [] : ['Encrypt'], {
      StringEquals: { 'kms:EncryptionContext:PARAMETER_ARN': arn },
    }),
  ];
}

/** Grants the items of a ring: `<item>`, `<item>#lease`, and `<item>#use#…` for the reports of its readers. */
export function grantRing(
  role: PolicyRole,
  { table, item, region }: Extract<RingPlace, { kind: 'dynamodb' }>,
  { defaults, reportsUse }: { defaults: Defaults; reportsUse: boolean },
): Grant[] {
  const chosen = { ...defaults, region: region ?? defaults.region };
  const whole = table.startsWith('arn:');
  const resource = whole
    ? table
    : `${formatArn('dynamodb', choosePlace({}, chosen, '--ring dynamodb://TABLE', 'table'))}:table/${table}`;
  const grant = (sid: string, actions: string[], operator: string, keys: string[]): Grant => ({
    sid,
    actions: actions.map((action) => `dynamodb:${action}`),
    resources: [resource],
    conditions: {
      [`ForAllValues:${operator}`]: { 'dynamodb:LeadingKeys': keys },
      // For a request without any, `ForAllValues` would hold.
      Null: { 'dynamodb:LeadingKeys': 'false' },
    },
  });
  const ring = escapeText(item);
  const reports = [`${escapePattern(item)}#use#*`];
  if (role === 'writer') return [grant('GoldkeyWriteRing', ['GetItem', 'UpdateItem'], 'StringEquals', [ring])];
  if (role === 'rotator') {
    return [
      grant('GoldkeyWriteRing', ['GetItem', 'UpdateItem'], 'StringEquals', [ring, `${ring}#lease`]),
      grant('GoldkeyReadUse', ['BatchGetItem'], 'StringLike', reports),
    ];
  }
  const read = grant('GoldkeyReadRing', ['GetItem'], 'StringEquals', [ring]);
  return reportsUse ? [read, grant('GoldkeyReportUse', ['UpdateItem'], 'StringLike', reports)] : [read];
}

/** Grants the key of a store, for calls that the service makes for the caller. A store under an AWS managed key needs none. */
function grantThrough(
  service: string,
  { partition, region }: ArnPlace,
  key: KmsArn | undefined,
  more: readonly string[],
  context: Conditions,
): Grant[] {
  if (key === undefined) return [];
  const domain = `${region}.amazonaws.com${partition === 'aws-cn' ? '.cn' : ''}`;
  const via = { 'kms:ViaService': `${service}.${domain}` };
  return [
    {
      sid: 'GoldkeyDecryptThroughService',
      actions: ['Decrypt', ...more].map((use) => `kms:${use}`),
      resources: [key.arn],
      conditions: { ...context, StringEquals: { ...context['StringEquals'], ...via } },
      isIndirect: true,
    },
  ];
}

/** Returns the place that an ARN names, else that of the key, in the Region that was chosen. */
function choosePlace(
  given: { [Part in keyof ArnPlace]?: string | undefined },
  { key, region }: Defaults,
  flag: string,
  noun: string,
): ArnPlace {
  const { partition, account } = given;
  if (partition !== undefined && account !== undefined && given.region !== undefined) {
    return { partition, account, region: given.region };
  }
  if (key !== undefined) return { ...key, region: region ?? key.region };
  throw new UsageError(
    `${flag} needs the ${noun}'s ARN in its place, or --key-id with the ARN of a key of the same account and Region.`,
  );
}

function formatArn(service: string, { partition, region, account }: ArnPlace): string {
  return `arn:${partition}:${service}:${region}:${account}`;
}
