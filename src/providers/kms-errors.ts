import {
  isGoldKeyError,
  KeyAccessDeniedError,
  KeyDecryptError,
  KeyNotFoundError,
  KeyProviderError,
  KeyTimeoutError,
  type EncryptionContext,
  type GoldKeyError,
  type GoldKeyErrorOptions,
} from '../core/index.js';
import { contextKeys } from './encryption-context.js';
import { faultOf, isRegionMissing, isUnreadable, type KmsFailure } from './kms-faults.js';

/** The name of AWS KMS in errors, events and metrics, and of its cipher in a key ring. */
export const AWS_KMS = 'aws-kms';

/** What was asked of KMS, for the error that may come of it. */
export interface KmsCall {
  operation: string;
  keyId?: string | undefined;
  context?: EncryptionContext | undefined;
  version?: string | undefined;
  /** What looks odd about the ciphertext. */
  hint?: string | undefined;
}

type ErrorClass = new (message: string, options?: GoldKeyErrorOptions) => GoldKeyError;
type Advice = (call: KmsCall) => string;

const key = ({ keyId }: KmsCall): string => (keyId === undefined ? 'the KMS key' : `the KMS key \`${keyId}\``);
const context = (call: KmsCall): string => contextKeys(call.context ?? {});
const hint = (call: KmsCall): string => (call.hint === undefined ? '' : `; note that ${call.hint}`);

/** What KMS answers for good: the cached key is dropped. Everything that is not here may pass. */
const PERMANENT: ReadonlyMap<string, readonly [ErrorClass, Advice]> = new Map(
  Object.entries<readonly [ErrorClass, Advice]>({
    AccessDeniedException: [
      KeyAccessDeniedError,
      (call) =>
        `check that the caller's IAM policy and the key's policy allow kms:${call.operation} on ${key(call)}, in this account and Region, and that their conditions fit the EncryptionContext (keys given: ${context(call)})`,
    ],
    DisabledException: [KeyAccessDeniedError, (call) => `${key(call)} is disabled; enable it if that was not meant`],
    KMSInvalidStateException: [
      KeyAccessDeniedError,
      (call) =>
        `check the state of ${key(call)}: it is pending deletion or import, or its custom key store is not connected`,
    ],
    InvalidGrantTokenException: [
      KeyAccessDeniedError,
      () => 'check `grantTokens`: one of them is not valid for this key, caller or operation',
    ],
    NotFoundException: [
      KeyNotFoundError,
      (call) => `check \`keyId\`, the account and the Region: there is no ${key(call)} there`,
    ],
    IncorrectKeyException: [
      KeyDecryptError,
      (call) =>
        `the ciphertext was made under another key than ${key(call)}; check \`keyId\`, and whether an alias has been pointed elsewhere${hint(call)}`,
    ],
    InvalidCiphertextException: [
      KeyDecryptError,
      (call) =>
        `either the ciphertext is damaged or cut short (or from another Region), or \`encryptionContext\` differs from the one it was encrypted with; keys given: ${context(call)}${hint(call)}`,
    ],
    InvalidKeyUsageException: [
      KeyDecryptError,
      (call) => `check that ${key(call)} is a symmetric key for ENCRYPT_DECRYPT`,
    ],
    UnsupportedOperationException: [
      KeyDecryptError,
      (call) => `check that ${key(call)} is a symmetric key for ENCRYPT_DECRYPT`,
    ],
  }),
);

/** What may pass, with what to look at if it does not. */
const PASSING: ReadonlyMap<string, string> = new Map([
  ...named('the AWS credentials were refused or have expired; check that they are renewed and belong here', [
    'ExpiredTokenException',
    'ExpiredToken',
    'UnrecognizedClientException',
    'InvalidClientTokenId',
    'MissingAuthenticationTokenException',
    'MissingAuthenticationToken',
    'IncompleteSignature',
    'IncompleteSignatureException',
    'AccessDenied',
  ]),
  ...named('there are no AWS credentials to sign with; check the environment, the profile or the attached role', [
    'CredentialsProviderError',
    'TokenProviderError',
    'ProviderError',
  ]),
  ...named("the request's signature was refused; check this machine's clock and the secret access key", [
    'InvalidSignatureException',
    'SignatureDoesNotMatch',
    'RequestExpired',
    'RequestTimeTooSkewed',
  ]),
  ...named('a value in the request was refused; check `keyId`, `grantTokens` and `encryptionContext`', [
    'ValidationException',
    'InvalidArnException',
  ]),
]);

function named(advice: string, names: readonly string[]): [string, string][] {
  return names.map((name) => [name, advice]);
}

/** One of our errors for whatever came of a call to KMS; what came is the `cause`. */
export function kmsError(error: unknown, call: KmsCall): GoldKeyError {
  if (isGoldKeyError(error)) return error;
  const { fault, name, code, status } = faultOf(error);
  const options = { cause: safeCause(error, status), provider: AWS_KMS, version: call.version };
  const answered = `AWS KMS answered ${call.operation} with ${name}`;
  const permanent = PERMANENT.get(name);
  if (permanent !== undefined) return new permanent[0](`${answered}: ${permanent[1](call)}.`, options);
  const passing = PASSING.get(name);
  if (passing !== undefined) {
    return new KeyProviderError(`AWS KMS ${call.operation} failed with ${name}: ${passing}.`, options);
  }
  switch (fault) {
    case 'throttling':
      return new KeyProviderError(`${answered}: the account's request quota in this Region is used up.`, options);
    case 'timeout':
      return new KeyTimeoutError(
        `AWS KMS did not answer ${call.operation} in time; check the network and, in a private subnet, the VPC endpoint.`,
        options,
      );
    case 'socket':
      return new KeyProviderError(
        `AWS KMS could not be reached (${code}); check the network, DNS and, in a private subnet, the VPC endpoint.`,
        options,
      );
    case 'transient':
      return new KeyProviderError(
        isUnreadable(error)
          ? `AWS KMS answered ${call.operation} with status ${String(status)} and a body that is not its JSON; check for a proxy in between.`
          : `${answered} (status ${String(status)}): the service has a fault, which should pass.`,
        options,
      );
    default:
      return new KeyProviderError(
        isRegionMissing(error)
          ? 'There is no AWS Region to call KMS in; give `region` or set AWS_REGION.'
          : `AWS KMS ${call.operation} failed with ${name}${code === '' ? '' : ` (${code})`}; its error is the \`cause\`.`,
        options,
      );
  }
}

/**
 * The SDK's error, without the answer it holds on to. One about a body that could not be read quotes that body, and an
 * answer to Decrypt is the key: of such an error only name and status stay.
 */
function safeCause(error: unknown, status: number): unknown {
  if (typeof error !== 'object' || error === null) return error;
  if (isUnreadable(error) || (status >= 200 && status < 300)) {
    const about = Object.assign(
      new Error('The answer could not be read; it is not kept, because it may hold the key.'),
      {
        name: (error as Error).name,
        $metadata: { httpStatusCode: status },
      },
    );
    return about;
  }
  const response = (error as KmsFailure).$response;
  if (response !== undefined) response.body = undefined;
  return error;
}
