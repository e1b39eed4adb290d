import type { EncryptionContext } from '../../../core/index.js';
import { bindContext, checkContext } from '../../../providers/shared/encryption-context.js';
import { RING_BINDING } from '../../../rotation/ring/decrypt-version.js';
import { CommandError, UsageError } from '../../errors.js';
import { print, styleText, tell, type CliIo, type CliRun } from '../../io.js';
import type { CommandOptions } from '../../options/command-options.js';
import { buildAwsPolicy } from './aws-policy.js';
import { buildAzureTemplate } from './azure.js';
import { resolveKmsArn, type KmsArn } from './kms-arn.js';
import { grantDescribeKey, grantKeyCreation, grantKeyUse, type Grant } from './kms-grants.js';
import type { RingPlace } from './places.js';
import { isAwsFormat, readRequest, type Request } from './request.js';
import { grantParameter, grantRing, grantSecret } from './store-grants.js';
import { buildVaultPolicy, formatVaultPolicy } from './vault.js';

/** The longest managed policy of IAM, in characters. */
const MAX_CHARACTERS = 6_144;
const DEFAULT_MFA_AGE_MS = 3_600_000;

/** Prints the policy that permits what goldkey calls in a role, and nothing else; on stderr what else it takes. */
export async function policy({ io }: CliRun, options: CommandOptions): Promise<void> {
  const request = readRequest(options);
  const text = await formatPolicy(io, request, options);
  if (text.length > MAX_CHARACTERS) {
    throw new CommandError(
      `The policy has ${text.length.toLocaleString('en')} characters, and a managed policy at most 6,144: make several with fewer --principal, --source-ip or --vpc-endpoint, or shorten --encryption-context.`,
    );
  }
  print(io, text);
  for (const remark of listRemarks(request, options)) tell(io, styleText(io, 'stderr', 'dim', remark));
}

async function formatPolicy(io: CliIo, request: Request, options: CommandOptions): Promise<string> {
  const { role, format, store, ring } = request;
  if (format === 'vault') return formatVaultPolicy(buildVaultPolicy(role, store, ring), options.json === true);
  if (format === 'azure') return formatJson(buildAzureTemplate(role, store), options);
  const { keyId, requireMfa, maxMfaAge = DEFAULT_MFA_AGE_MS } = options;
  const key = keyId === undefined ? undefined : await resolveKmsArn(io, keyId, options);
  const sort = (values: readonly string[] = []): string[] => [...new Set(values)].toSorted();
  const limits = {
    principals: sort(options.principal),
    vpcEndpoints: sort(options.vpcEndpoint),
    sourceIps: sort(options.sourceIp),
    mfaAge: requireMfa === true ? Math.floor(maxMfaAge / 1_000) : undefined,
  };
  return formatJson(buildAwsPolicy(format, listGrants(request, key, options), limits, key), options);
}

/** Returns what goldkey calls in AWS. */
function listGrants({ role, store, ring }: Request, key: KmsArn | undefined, options: CommandOptions): Grant[] {
  const defaults = { key, region: options.region };
  const grants: Grant[] = [];
  if (key !== undefined && role === 'doctor') grants.push(grantDescribeKey(key));
  else if (key !== undefined && role === 'creator') grants.push(...grantKeyCreation(key));
  else if (key !== undefined && store.kind === 'kms') {
    grants.push(grantKeyUse(role, key, bindToRing(options.encryptionContext ?? {}, ring)));
  } else if (store.kind === 'secrets-manager') grants.push(...grantSecret(role, store.id, defaults));
  else if (store.kind === 'ssm') grants.push(...grantParameter(role, store.id, defaults));
  if (ring?.kind === 'dynamodb' && role !== 'creator') {
    grants.push(...grantRing(role, ring, { defaults, reportsUse: options.reportUse === true }));
  }
  if (grants.length > 0) return grants;
  throw new UsageError('--store and --ring name nothing in AWS: use --format vault or azure.');
}

/** Returns the context of a ring's versions, or of a ciphertext without a ring. */
function bindToRing(context: EncryptionContext, ring: RingPlace | undefined): EncryptionContext {
  if (ring === undefined) return checkContext('encryptionContext', context);
  if (!Object.hasOwn(context, RING_BINDING)) return bindContext(context, { [RING_BINDING]: ring.name });
  throw new UsageError(`--encryption-context must not hold \`${RING_BINDING}\`, which --ring adds.`);
}

/** Returns the policy indented, unless only its short form is allowed by IAM. ASCII alone, as a key policy must be. */
function formatJson(value: object, { json }: CommandOptions): string {
  const format = (space?: number): string =>
    JSON.stringify(value, undefined, space).replaceAll(
      /[^\n -~]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
  const indented = format(2);
  return json === true || indented.length > MAX_CHARACTERS ? format() : indented;
}

/** Returns what the policy alone does not do. */
function listRemarks({ role, format, store, ring }: Request, options: CommandOptions): string[] {
  const isAws = isAwsFormat(format);
  const isService = store.kind === 'secrets-manager' || store.kind === 'ssm';
  const { sourceIp, vpcEndpoint, keyId } = options;
  const remarks: (readonly [applies: boolean, remark: string])[] = [
    [
      format === 'key-policy',
      'A key policy is replaced as a whole: keep the statements that the key has already. Principals of another account need an IAM policy there, too.',
    ],
    [
      format === 'vpc-endpoint',
      'Each endpoint belongs to one service: attach the statements of a service to its endpoint. Callers need their IAM policy, too.',
    ],
    [format === 'vault', 'Give the token the `default` policy of Vault, too: it lets a token renew itself.'],
    [
      format === 'azure',
      'Assign the role with `az deployment group create --template-file FILE --parameters principalId=ID`.',
    ],
    [
      format === 'azure' && (role === 'writer' || role === 'rotator'),
      'Key Vault Secrets Officer is the narrowest built-in role that writes; it may delete the secret, too.',
    ],
    [
      sourceIp?.some(isPrivateAddress) === true,
      'A private address never matches: only public addresses are compared. Use --vpc-endpoint inside a VPC.',
    ],
    [
      vpcEndpoint !== undefined && sourceIp !== undefined,
      'A request through an endpoint has no public address: so there are two statements, and either allows a call.',
    ],
    [role === 'doctor' && isAws, 'Attach it beside the policy of the role that is looked after.'],
    [isAws && isService && keyId === undefined, 'If it is encrypted under a customer managed key, give --key-id, too.'],
    [
      role === 'rotator' && store.kind === 'kms' && ring === undefined,
      'Without --ring the policy suits `copy` only: what `rotate` encrypts is bound to the name of its ring.',
    ],
    [
      role === 'writer' && ring !== undefined,
      '`rotate init` and `rotate stage` decrypt what they encrypted, to compare: they need --for rotator.',
    ],
    [ring?.kind === 'redis', 'The ring in Redis needs an ACL: examples/rotation/README.md has its rules.'],
    [ring?.kind === 'vault' && format !== 'vault', 'The ring in Vault needs a policy of --format vault.'],
    [
      ring?.kind === 'dynamodb' && format !== 'iam' && format !== 'vpc-endpoint',
      'The table of the ring needs a policy of --format iam.',
    ],
  ];
  return remarks.filter(([applies]) => applies).map(([, remark]) => remark);
}

function isPrivateAddress(range: string): boolean {
  return /^(?:10\.|127\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|f[cd][0-9a-f]{2}:|fe80:)/i.test(range);
}
