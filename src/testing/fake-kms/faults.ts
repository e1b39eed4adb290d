import { disabledError, incorrectKeyError, KmsError, pendingDeletionError } from './errors.js';

/** AWS's errors of these names about the service, the caller or the key. */
type AwsFault = ServiceFault | CallerFault | KeyFault;
type ServiceFault = 'throttling' | 'internal' | 'dependency-timeout';
type CallerFault = 'access-denied' | 'expired-token';
type KeyFault = 'key-unavailable' | 'disabled' | 'pending-deletion' | 'incorrect-key';

/**
 * A fault that a fake KMS shows in place of an answer. `slow` never answers, `reset` resets the connection, `http-503` is
 * a proxy's HTML page, and `truncated` carries out the operation and cuts its answer in half. The others are AWS's errors
 * of these names.
 */
export type KmsFault = AwsFault | 'slow' | 'reset' | 'http-503' | 'truncated';

/** The operation and the key that an error names. */
interface Target {
  readonly operation: string;
  readonly keyArn: string;
}

const AWS_ERRORS: Readonly<Record<AwsFault, (target: Target) => KmsError>> = {
  throttling: () =>
    new KmsError(
      'ThrottlingException',
      'You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.',
    ),
  internal: () =>
    new KmsError(
      'KMSInternalException',
      'The request was rejected because an internal exception occurred. The request can be retried.',
      500,
    ),
  'dependency-timeout': () =>
    new KmsError(
      'DependencyTimeoutException',
      'The system timed out while trying to fulfill the request. You can retry the request.',
      503,
    ),
  'key-unavailable': () =>
    new KmsError(
      'KeyUnavailableException',
      'The request was rejected because the specified KMS key was not available. You can retry the request.',
      500,
    ),
  'access-denied': ({ operation, keyArn }) =>
    new KmsError(
      'AccessDeniedException',
      `User: arn:aws:iam::${keyArn.split(':')[4] ?? ''}:user/goldkey-testing is not authorized to perform: kms:${operation} on resource: ${keyArn} because no identity-based policy allows the kms:${operation} action`,
    ),
  disabled: ({ keyArn }) => disabledError(keyArn),
  'pending-deletion': ({ keyArn }) => pendingDeletionError(keyArn),
  'incorrect-key': incorrectKeyError,
  'expired-token': () => new KmsError('ExpiredTokenException', 'The security token included in the request is expired'),
};

/** Every name that `inject` takes. */
export const KMS_FAULTS: readonly KmsFault[] = [
  ...(Object.keys(AWS_ERRORS) as AwsFault[]),
  'slow',
  'reset',
  'http-503',
  'truncated',
];

/** The page that a load balancer shows when no server is behind it. */
export const UNAVAILABLE_PAGE = '<html><body><b>Http/1.1 Service Unavailable</b></body> </html>';

/** Returns AWS's error for a fault, or `undefined` for a fault without an error body. */
export function createAwsError(fault: KmsFault, target: Target): KmsError | undefined {
  return fault in AWS_ERRORS ? AWS_ERRORS[fault as AwsFault](target) : undefined;
}
