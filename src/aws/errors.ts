import {
  isError,
  isGoldKeyError,
  KeyProviderError,
  KeyTimeoutError,
  type GoldKeyError,
  type GoldKeyErrorOptions,
} from '../core/index.js';
import { classifyAwsError, type AwsFailure, type AwsFailureKind, type AwsSdkError } from './failures.js';

/** A call to an AWS service, for the error that may come of it. */
export interface AwsCall {
  /** The API's name for it, e.g. `Decrypt`. */
  readonly operation: string;
  /** The key's version, for the error's `version`. */
  readonly version?: string | undefined;
}

/** The errors of one service. Each text follows a colon or a semicolon and has no full stop. */
export interface AwsErrorMap<C> {
  /** The store's name in errors, events and metrics. */
  readonly provider: string;
  /** The wording of the errors that may pass. */
  readonly text: {
    /** The service's name, e.g. `AWS KMS`. */
    readonly service: string;
    /** Explains throttling. */
    readonly throttled: (call: C) => string;
    /** Tells which options to check after a value in the request was refused. */
    readonly invalid: (call: C) => string;
  };
  /** The errors, by name, that no retry can help: the cached key is dropped. All others are retryable. */
  readonly permanent: Readonly<Record<string, PermanentError<C>>>;
}

type PermanentError<C> = readonly [
  errorClass: new (message: string, options?: GoldKeyErrorOptions) => GoldKeyError,
  advice: (call: C) => string,
];

/** Returns the error of goldkey for whatever `call` failed with, which becomes its `cause`. */
export function toAwsError<C extends AwsCall>(error: unknown, call: C, map: AwsErrorMap<C>): GoldKeyError {
  if (isGoldKeyError(error)) return error;
  const { provider, permanent, text } = map;
  const { service } = text;
  const { operation, version } = call;
  const failure = classifyAwsError(error);
  const { kind, name, code, status } = failure;
  const options = { cause: cleanCause(error, failure), provider, version };
  const answered = `${service} answered ${operation} with ${name}`;
  const found = Object.hasOwn(permanent, name) ? permanent[name] : undefined;
  if (found !== undefined) {
    const [PermanentError, advice] = found;
    return new PermanentError(`${answered}: ${advice(call)}.`, options);
  }
  const failed = `${service} ${operation} failed with ${name}`;
  const sentences: Readonly<Record<AwsFailureKind, string>> = {
    throttling: `${answered}: ${text.throttled(call)}`,
    transient: `${answered} (status ${String(status)}): the service failed, which usually passes`,
    unreadable: `${service} answered ${operation} with status ${String(status)} and a body that is not its JSON; check for a proxy in between`,
    timeout: `${service} did not answer ${operation} in time; check the network and, in a private subnet, the VPC endpoint`,
    socket: `${service} could not be reached (${code}); check the network, DNS and, in a private subnet, the VPC endpoint`,
    invalid: `${failed}: a value in the request was refused; ${text.invalid(call)}`,
    credentials: `${failed}: the AWS credentials were refused or have expired; check that they are renewed and of the right account`,
    'no-credentials': `${failed}: there are no AWS credentials to sign with; check the environment, the profile or the attached role`,
    'sign-in': `${failed}: the sign-in of the AWS profile has expired or was never made; run \`aws sso login\` for it (\`aws login\` for a console sign-in)`,
    mfa: `${failed}: the AWS profile asks for an MFA code, which only a person can type; sign in on a terminal first, or use a role without MFA`,
    signature: `${failed}: the request's signature was refused; check this machine's clock and the secret access key`,
    'no-region': `No AWS Region is set for ${service}; pass one, or set AWS_REGION`,
    other: `${failed}${code === '' ? '' : ` (${code})`}; the original error is the \`cause\``,
  };
  const PassingError = kind === 'timeout' ? KeyTimeoutError : KeyProviderError;
  return new PassingError(`${sentences[kind]}.`, options);
}

/** Number of stack frames that are kept of an error of the SDK's. */
const FRAMES = 3;

/**
 * Returns the SDK's error without the answer that it holds. An error about an unreadable body quotes that body, and the
 * body of an answer to Decrypt is the key: only its name and status are kept.
 */
function cleanCause(error: unknown, { kind, name, status }: AwsFailure): unknown {
  if (typeof error !== 'object' || error === null) return error;
  if (kind === 'unreadable' || (status >= 200 && status < 300)) {
    return Object.assign(new Error('The answer could not be read; it is not kept, because it may hold the key.'), {
      name,
      $metadata: { httpStatusCode: status },
    });
  }
  const fields: AwsSdkError = error;
  if (fields.$response !== undefined) fields.$response.body = undefined;
  delete fields.rawPacket;
  if (!isError(error)) return error;
  // For a rejected signature AWS echoes the canonical request, session token included, below the first line.
  const { message, stack = '' } = error;
  const [first = ''] = message.split('\n', 1);
  // The SDK's own frames fill a screen when the error is printed, and tell its users nothing.
  const frames = stack.replace(message, () => first).split('\n    at ');
  return Object.assign(error, { message: first, stack: frames.slice(0, 1 + FRAMES).join('\n    at ') });
}
