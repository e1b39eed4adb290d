import { UsageError } from '../../errors.js';
import type { CommandOptions } from '../../options/command-options.js';
import { CONTEXT, KEY_ID, requireAll, type RequiredOption } from '../../options/required.js';
import type { PolicyFormat, PolicyRole } from './names.js';
import { parseRingPlace, parseStorePlace, type RingPlace, type StorePlace } from './places.js';

/** The policy that the options ask for. */
export interface Request {
  readonly role: PolicyRole;
  readonly format: PolicyFormat;
  readonly store: StorePlace;
  readonly ring: RingPlace | undefined;
}

const PRINCIPAL: RequiredOption = ['--principal', 'arn:aws:iam::111122223333:role/gold-reader'];

/** The limits that AWS alone has, by their options. */
const AWS_LIMITS = {
  principal: '--principal',
  vpcEndpoint: '--vpc-endpoint',
  sourceIp: '--source-ip',
  requireMfa: '--require-mfa',
} as const;

export function isAwsFormat(format: PolicyFormat): boolean {
  return format !== 'vault' && format !== 'azure';
}

/** Reads the options, and throws if they do not go together. */
export function readRequest(options: CommandOptions): Request {
  const { for: role = 'reader' } = options;
  const ring = parseRingPlace(options);
  const store = parseStorePlace(options);
  const format = options.format ?? chooseFormat(store);
  const request = { role, format, store, ring };
  const problem = findProblem(request, options);
  if (problem !== undefined) throw new UsageError(problem);
  requireAll(listMissing(request, options));
  return request;
}

function chooseFormat({ kind }: StorePlace): PolicyFormat {
  if (kind === 'azure-key-vault') return 'azure';
  return kind === 'vault' || kind === 'vault-transit' ? 'vault' : 'iam';
}

/** Returns which option would have no effect: the policy would allow more than was asked for, or nothing at all. */
function findProblem({ role, format, store, ring }: Request, options: CommandOptions): string | undefined {
  const { principal, sourceIp, requireMfa, maxMfaAge, reportUse, local } = options;
  const isAws = isAwsFormat(format);
  const limits = Object.entries(AWS_LIMITS) as [keyof typeof AWS_LIMITS, string][];
  const [, limit = ''] = limits.find(([name]) => options[name] !== undefined) ?? [];
  const keepsReports = role === 'reader' && (ring?.kind === 'dynamodb' || ring?.kind === 'redis');
  const problems: (readonly [applies: boolean, problem: string])[] = [
    [local === true, '--local needs no policy: the mode of the master-key file, 0600, protects it.'],
    [!isAws && limit !== '', `${limit} is for policies of AWS: --format ${format} has no such condition.`],
    [
      format === 'iam' && principal !== undefined,
      '--principal is for --format key-policy and vpc-endpoint: an IAM policy is attached to its principal.',
    ],
    [
      format === 'key-policy' && role === 'creator',
      '--for creator has no key policy, because there is no key yet: use --format iam.',
    ],
    [
      format === 'vpc-endpoint' && sourceIp !== undefined,
      '--source-ip has no effect in the policy of an endpoint: a request through one has no public address.',
    ],
    [
      format === 'vpc-endpoint' && principal?.some((arn) => arn.endsWith(':root')) === true,
      '--principal must be roles and users for --format vpc-endpoint: a request never comes from an account as such.',
    ],
    [
      requireMfa === true && role === 'reader',
      '--require-mfa cannot be used with --for reader: a service has no MFA session (a role of Lambda or ECS never has), so that every call would be denied. It is for people, who write, rotate or create.',
    ],
    [maxMfaAge !== undefined && requireMfa !== true, '--max-mfa-age needs --require-mfa.'],
    [
      reportUse === true && !keepsReports,
      '--report-use is for --for reader with --ring dynamodb://… or rediss://…, which keep such reports.',
    ],
    [
      role === 'creator' && store.kind !== 'kms' && isAws,
      '--for creator is for KMS keys: a secret or parameter is made by --for writer.',
    ],
  ];
  return problems.find(([applies]) => applies)?.[1];
}

/** Returns the options that are required and were not given. */
function listMissing({ role, format, store }: Request, options: CommandOptions): RequiredOption[] {
  const { keyId, encryptionContext, principal } = options;
  const isDirect = isAwsFormat(format) && store.kind === 'kms';
  const needsKey = isDirect || format === 'key-policy' || (role === 'doctor' && isAwsFormat(format));
  const needsContext = isDirect && role !== 'doctor' && role !== 'creator';
  return [
    ...(needsKey && keyId === undefined ? [KEY_ID] : []),
    ...(needsContext && encryptionContext === undefined ? [CONTEXT] : []),
    ...(format === 'key-policy' && principal === undefined ? [PRINCIPAL] : []),
  ];
}
