import {
  checkOptionNames,
  getRequestClock,
  invalidRange,
  KeyFormatError,
  KeyProviderError,
  checkOptionalString,
  type GoldKeyErrorOptions,
  type KeyProvider,
  type Stage,
} from '../../core/index.js';
import type { AwsConnectionOptions } from '../../aws/client.js';
import { orAbsent } from '../../aws/failures.js';
import { bytesOfText, requiredName } from '../../aws/secret-text.js';
import { callSsm, ssmLink } from './client.js';
import { SSM } from './errors.js';

/** Options of {@link fromSsm}. */
export interface FromSsmOptions extends AwsConnectionOptions {
  /**
   * The parameter's name or ARN; of another account's parameter, the whole ARN. With `:version` or `:label` behind it, just
   * that one is read as `current`; then there can be no `labels`.
   */
  name: string;
  /**
   * The labels that stand for stages. Default: `current` is the newest version, and there is no other stage. A version just
   * written is the newest at once: who labels `pending` will want to label `current` too.
   */
  labels?: Partial<Record<Stage, string>> | undefined;
}

const STAGES: readonly Stage[] = ['current', 'pending', 'previous'];
/** The most that an advanced parameter holds. */
const MAX_PARAMETER_BYTES = 8_192;

/**
 * A key store over one SecureString parameter of AWS Systems Manager Parameter Store, decrypted by the service. A key's
 * version is the parameter's version and the moment it was written, e.g. `3@2026-11-22T11:30:00.000Z`: a parameter that was
 * deleted and made anew begins at 1 again. A parameter of another type is a `KeyFormatError`: it is stored in the clear.
 *
 * Nothing is loaded before the first load: `@aws-sdk/client-ssm` (an optional peer, install it beside goldkey) and its
 * client come then. A transient fault is tried again twice (after about 100 ms, 1 s when throttled) within `keyTimeout`. The
 * caller needs ssm:GetParameter, and kms:Decrypt where the parameter is encrypted with a key of its own.
 *
 * @param options - see {@link FromSsmOptions}; copied
 * @returns a key store for `keyProvider`; closing the last client that uses it releases the SDK's client
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option has a name or type that does not exist
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: an ARN of another service, a label that Parameter Store does not
 * take, `labels` beside a name with a version, or an endpoint over plain http
 * @throws {KeyNotFoundError} `ERR_GOLDKEY_NOT_FOUND`, by a load: no such parameter, version or label
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`, by a load: IAM or the policy of the KMS key refuses
 * @throws {KeyDecryptError} `ERR_GOLDKEY_DECRYPT`, by a load: the parameter's KMS key is gone or disabled
 * @throws {KeyFormatError} `ERR_GOLDKEY_FORMAT`, by a load: no SecureString, empty, or over 8 KB
 * @throws {KeyProviderError} `ERR_GOLDKEY_PROVIDER`, by a load, retryable: throttling, a fault of the service or the
 * network, credentials, clock or Region
 * @throws {KeyTimeoutError} `ERR_GOLDKEY_KEY_TIMEOUT`, by a load, retryable: no answer within 2 s, three times
 * @throws {MissingPackageError} `ERR_GOLDKEY_MISSING_PACKAGE`, by a load: `@aws-sdk/client-ssm` is not installed
 *
 * @example
 * ```ts
 * import { GoldDataClient } from 'goldkey';
 * import { metalsApi } from 'goldkey/prices';
 * import { fromSsm } from 'goldkey/ssm';
 *
 * const gold = new GoldDataClient({
 *   keyProvider: fromSsm({ name: '/prod/gold-api-key', labels: { current: 'live', previous: 'old' } }),
 *   ...metalsApi(),
 * });
 * console.log(await gold.getPrice('XAU'));
 * ```
 */
export function fromSsm(options: FromSsmOptions): KeyProvider {
  checkOptionNames('fromSsm', options, ['name', 'labels', 'region', 'client', 'clientConfig']);
  const name = checkName(options.name);
  const labels = checkLabels(options.labels, name);
  const link = ssmLink(options);
  return {
    name: SSM,
    async load(request) {
      const { stage, signal, known } = request;
      signal.throwIfAborted();
      const label = labels[stage];
      if (label === undefined && stage !== 'current') return undefined;
      const selected = label === undefined ? name : `${name}:${label}`;
      const answer = await callSsm(
        link,
        { operation: 'GetParameter', name: selected },
        (sdk, client, http) => {
          const asked = client.send(new sdk.GetParameterCommand({ Name: selected, WithDecryption: true }), http);
          return stage === 'current' ? asked : orAbsent(asked, ABSENT);
        },
        { signal, clock: getRequestClock(request) },
      );
      if (answer === undefined) return undefined;
      const { Type: type, Value: value, Version: number, LastModifiedDate: written } = answer.Parameter ?? {};
      if (value === undefined || number === undefined) {
        throw new KeyProviderError('AWS Parameter Store answered GetParameter without a value or its version.', {
          provider: SSM,
        });
      }
      const at = written === undefined ? undefined : written.getTime();
      const version = at === undefined ? String(number) : `${String(number)}@${new Date(at).toISOString()}`;
      const about: GoldKeyErrorOptions = { provider: SSM, version };
      if (type !== 'SecureString') {
        throw new KeyFormatError(
          `The parameter \`${selected}\` is no SecureString: its value lies there unencrypted. Write the key as one, and give it up if it was in the clear.`,
          about,
        );
      }
      // The service has just handed this version over, so it may still be read. Without its date a number says too little.
      if (at !== undefined && known?.includes(version) === true) return { unchanged: true, version };
      const bytes = bytesOfText(value, MAX_PARAMETER_BYTES, about);
      if (bytes !== undefined) return { bytes, version, createdAt: at };
      if (stage === 'pending') return undefined;
      throw new KeyFormatError(`The parameter \`${selected}\` is empty.`, about);
    },
    close: () => link.close(),
  };
}

/** What Parameter Store says of what is not there: a label that nothing has is no error. */
const ABSENT: readonly string[] = ['ParameterNotFound', 'ParameterVersionNotFound'];

function checkName(given: unknown): string {
  const name = requiredName('name', given, 'ssm');
  if (name.startsWith('/aws/reference/secretsmanager/')) {
    throw invalidRange(
      '`name` must be a parameter, not a reference to a secret, which has no version there; use `fromSecretsManager` of goldkey/secrets-manager.',
    );
  }
  return name;
}

function checkLabels(given: unknown, name: string): Partial<Record<Stage, string>> {
  if (given === undefined) return {};
  checkOptionNames('`labels`', given, STAGES);
  const labels: Partial<Record<Stage, string>> = {};
  for (const stage of STAGES) {
    const label = checkOptionalString(`labels.${stage}`, (given as Partial<Record<Stage, unknown>>)[stage]);
    if (label === undefined) continue;
    if (!/^(?!\d|aws|ssm)[\w.-]{1,100}$/i.test(label)) {
      throw invalidRange(
        `\`labels.${stage}\` must be a label of up to 100 letters, digits, \`_\`, \`.\` and \`-\` that begins with no digit, \`aws\` or \`ssm\`; a version's number goes into \`name\`.`,
      );
    }
    labels[stage] = label;
  }
  // An ARN has five colons of its own.
  const selected = name.startsWith('arn:') ? name.split(':').length > 6 : name.includes(':');
  if (selected && Object.keys(labels).length > 0) {
    throw invalidRange('`labels` cannot stand beside a `name` that has a version or label behind it.');
  }
  return labels;
}
