import {
  isGoldKeyError,
  KeyProviderError,
  KeyTimeoutError,
  type GoldKeyError,
  type GoldKeyErrorOptions,
} from '../core/index.js';
import { faultOf, isRegionMissing, isUnreadable, type AwsFailure } from './failures.js';

/** How one service speaks of a call that failed. */
export interface AwsWords {
  /** The service, e.g. `AWS KMS`. */
  readonly service: string;
  /** What was asked of it, e.g. `Decrypt`. */
  readonly operation: string;
  /** What throttling says, e.g. `the account's request quota in this Region is used up`. */
  readonly throttled: string;
  /** What to check where a value was refused. */
  readonly invalid: string;
}

/** A service, as its errors are told. */
export interface AwsRefusals<C> {
  /** Its name in errors, events and metrics. */
  readonly provider: string;
  readonly words: Omit<AwsWords, 'operation'>;
  /** By name, what it answers for good, and what to look at: the cached key is dropped. All else may pass. */
  readonly permanent: Readonly<Record<string, Refusal<C>>>;
}

type Refusal<C> = readonly [
  errorClass: new (message: string, options?: GoldKeyErrorOptions) => GoldKeyError,
  advice: (call: C) => string,
];

/** One of our errors for whatever came of `call`; what came is the `cause`. */
export function awsError<C extends { readonly operation: string }>(
  error: unknown,
  call: C,
  { provider, words, permanent }: AwsRefusals<C>,
  about: GoldKeyErrorOptions = {},
): GoldKeyError {
  if (isGoldKeyError(error)) return error;
  const { name } = faultOf(error);
  const options = { ...about, cause: safeCause(error), provider };
  const refusal = Object.hasOwn(permanent, name) ? permanent[name] : undefined;
  if (refusal === undefined) return passingError(error, { ...words, operation: call.operation }, options);
  const [Refused, advice] = refusal;
  return new Refused(`${words.service} answered ${call.operation} with ${name}: ${advice(call)}.`, options);
}

const INVALID: ReadonlySet<string> = new Set([
  'ValidationException',
  'InvalidArnException',
  'InvalidParameterException',
]);

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
]);

function named(advice: string, names: readonly string[]): [string, string][] {
  return names.map((name) => [name, advice]);
}

/** One of our errors for a failure that may pass; which ones are final, each service knows. */
export function passingError(error: unknown, words: AwsWords, options: GoldKeyErrorOptions): GoldKeyError {
  const { service, operation, throttled, invalid } = words;
  const { fault, name, code, status } = faultOf(error);
  const answered = `${service} answered ${operation} with ${name}`;
  const advice = INVALID.has(name) ? `a value in the request was refused; ${invalid}` : PASSING.get(name);
  if (advice !== undefined) {
    return new KeyProviderError(`${service} ${operation} failed with ${name}: ${advice}.`, options);
  }
  switch (fault) {
    case 'throttling':
      return new KeyProviderError(`${answered}: ${throttled}.`, options);
    case 'timeout':
      return new KeyTimeoutError(
        `${service} did not answer ${operation} in time; check the network and, in a private subnet, the VPC endpoint.`,
        options,
      );
    case 'socket':
      return new KeyProviderError(
        `${service} could not be reached (${code}); check the network, DNS and, in a private subnet, the VPC endpoint.`,
        options,
      );
    case 'transient':
      return new KeyProviderError(
        isUnreadable(error)
          ? `${service} answered ${operation} with status ${String(status)} and a body that is not its JSON; check for a proxy in between.`
          : `${answered} (status ${String(status)}): the service has a fault, which should pass.`,
        options,
      );
    default:
      return new KeyProviderError(
        isRegionMissing(error)
          ? `There is no AWS Region to call ${service.replace(/^AWS /, '')} in; give one, or set AWS_REGION.`
          : `${service} ${operation} failed with ${name}${code === '' ? '' : ` (${code})`}; its error is the \`cause\`.`,
        options,
      );
  }
}

/**
 * The SDK's error, without the answer it holds on to. One about a body that could not be read quotes that body, and an
 * answer to Decrypt is the key: of such an error only name and status stay.
 */
export function safeCause(error: unknown): unknown {
  if (typeof error !== 'object' || error === null) return error;
  const { status } = faultOf(error);
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
  const response = (error as AwsFailure).$response;
  if (response !== undefined) response.body = undefined;
  // What Node's parser could not read, as it came off the wire.
  delete (error as { rawPacket?: unknown }).rawPacket;
  if (error instanceof Error) keepFirstLine(error);
  return error;
}

/** Of a refused signature the lines after the first quote the request, the session token included. */
function keepFirstLine(error: Error): void {
  const { message, stack = '' } = error;
  const [first = ''] = message.split('\n', 1);
  if (first === message) return;
  error.message = first;
  error.stack = stack.replace(message, () => first);
}
