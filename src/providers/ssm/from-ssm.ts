import { AWS_CONNECTION_OPTIONS, type AwsConnectionOptions } from '../../aws/client.js';
import {
  checkOptionalString,
  checkOptionNames,
  getRequestClock,
  invalidRange,
  KeyFormatError,
  KeyProviderError,
  type KeyProvider,
  type Stage,
  quote,
} from '../../core/index.js';
import { allowErrors } from '../../aws/failures.js';
import { checkSecretName, encodeSecretText } from '../../aws/secret-text.js';
import { noteAwsRequest } from '../../aws/note-request.js';
import { refuseDocument } from '../shared/document.js';
import { connectToSsm } from './client.js';
import { SSM } from './errors.js';

/** Options of {@link fromSsm}. */
export interface FromSsmOptions extends AwsConnectionOptions {
  /**
   * The parameter's name or ARN; for a parameter of another account, the whole ARN; required. With `:version` or `:label`
   * at its end, only that version is read, as `current`, and `labels` cannot be given.
   */
  name: string;
  /**
   * The label of each stage. Default: `current` is the newest version, and there are no other stages. A new version is
   * the newest at once, so a label for `pending` calls for one for `current` too.
   */
  labels?: Partial<Record<Stage, string>> | undefined;
}

/** The longest value of an advanced parameter, in bytes. */
const MAX_PARAMETER_BYTES = 8_192;
const STAGES: readonly Stage[] = ['current', 'pending', 'previous'];
/** The errors for a version that does not exist: a missing label is not an error. */
const ABSENT: readonly string[] = ['ParameterNotFound', 'ParameterVersionNotFound'];

/**
 * Creates a key store over one SecureString parameter of AWS Systems Manager Parameter Store, decrypted by the service. The
 * version of a key is the parameter's version with its date, e.g. `3@2026-11-22T11:30:00.000Z`, because a parameter that
 * was deleted and created again starts at 1. A parameter of another type is stored unencrypted: a `KeyFormatError`.
 *
 * It needs `@aws-sdk/client-ssm`; how it loads, retries and fails is said at {@link AwsConnectionOptions}. The caller needs
 * ssm:GetParameter, and kms:Decrypt if the parameter is encrypted with a customer managed key.
 *
 * @param options - see {@link FromSsmOptions}; copied
 * @returns a key store for `keyProvider`; closing the last client that uses it releases the SDK's client
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: an ARN of another service, a label that Parameter Store does not
 * allow, or `labels` together with a name with a version
 * @throws {KeyNotFoundError} `ERR_GOLDKEY_NOT_FOUND`, by a load: there is no such parameter, version or label
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`, by a load: IAM or the policy of the KMS key denies it
 * @throws {KeyDecryptError} `ERR_GOLDKEY_DECRYPT`, by a load: the parameter's KMS key is missing or disabled
 * @throws {KeyFormatError} `ERR_GOLDKEY_FORMAT`, by a load: the parameter is not a SecureString, empty, or over 8,192 bytes
 * @throws {GoldKeyError} by a load: the errors of {@link AwsConnectionOptions}
 *
 * @example
 * ```ts
 * import { fromSsm } from 'goldkey/ssm';
 *
 * const keyProvider = fromSsm({ name: '/prod/gold-api-key', labels: { current: 'live', previous: 'old' } });
 * ```
 */
export function fromSsm(options: FromSsmOptions): KeyProvider {
  checkOptionNames('fromSsm', options, ['name', 'labels', ...AWS_CONNECTION_OPTIONS]);
  const name = checkSecretName('name', options.name, 'ssm');
  if (name.startsWith('/aws/reference/secretsmanager/')) {
    throw invalidRange(
      '`name` must be a parameter, not a reference to a secret, which has no version there; use `fromSecretsManager` of goldkey/secrets-manager.',
    );
  }
  const labels = checkLabels(options.labels);
  // An ARN itself has five colons.
  const hasSelector = name.startsWith('arn:') ? name.split(':').length > 6 : name.includes(':');
  if (hasSelector && Object.keys(labels).length > 0) {
    throw invalidRange(
      '`labels` cannot be combined with a `name` that ends with a version or label; give one of them.',
    );
  }
  const connection = connectToSsm(options);
  return {
    name: SSM,
    async load(request) {
      const { stage, signal, known } = request;
      signal.throwIfAborted();
      const label = labels[stage];
      if (label === undefined && stage !== 'current') return undefined;
      const selected = label === undefined ? name : `${name}:${label}`;
      const answer = await connection.call(
        { operation: 'GetParameter', name: selected },
        (sdk, client, http) => {
          const found = client.send(new sdk.GetParameterCommand({ Name: selected, WithDecryption: true }), http);
          return stage === 'current' ? found : allowErrors(found, ABSENT);
        },
        { signal, clock: getRequestClock(request) },
      );
      if (answer === undefined) return undefined;
      const { Type: type, Value: value, Version: number, LastModifiedDate: date } = answer.Parameter ?? {};
      if (value === undefined || number === undefined) {
        const message = 'AWS Parameter Store answered GetParameter without a value or its version; try again later.';
        throw new KeyProviderError(message, { provider: SSM });
      }
      const version = date === undefined ? String(number) : `${String(number)}@${date.toISOString()}`;
      const about = { provider: SSM, version };
      if (type !== 'SecureString') {
        throw new KeyFormatError(
          `The parameter ${quote(selected)} is not a SecureString, so its value is stored unencrypted; write a new key as a SecureString, and revoke this one.`,
          about,
        );
      }
      // The service has just returned this version, so it may still be read. Without its date a number may be another key.
      if (date !== undefined && known?.includes(version) === true) return { unchanged: true, version };
      const bytes = encodeSecretText(value, MAX_PARAMETER_BYTES, about);
      if (bytes !== undefined) {
        refuseDocument(bytes, `The parameter \`${selected}\``, about);
        return { bytes: noteAwsRequest(bytes, answer), version, createdAt: date?.getTime() };
      }
      if (stage === 'pending') return undefined;
      throw new KeyFormatError(`The parameter ${quote(selected)} is empty; store a key.`, about);
    },
    close: () => connection.close(),
  };
}

function checkLabels(given: Partial<Record<Stage, unknown>> = {}): Partial<Record<Stage, string>> {
  checkOptionNames('`labels`', given, STAGES);
  const labels: Partial<Record<Stage, string>> = {};
  for (const stage of STAGES) {
    const label = checkOptionalString(`labels.${stage}`, given[stage]);
    if (label === undefined) continue;
    if (!/^(?!\d|aws|ssm)[\w.-]{1,100}$/i.test(label)) {
      throw invalidRange(
        `\`labels.${stage}\` must be a label of up to 100 letters, digits, \`_\`, \`.\` and \`-\` that does not begin with a digit, \`aws\` or \`ssm\`; a version's number goes into \`name\`.`,
      );
    }
    labels[stage] = label;
  }
  return labels;
}
