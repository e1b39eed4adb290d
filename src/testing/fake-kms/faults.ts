import { KmsError } from './errors.js';

/**
 * A fault that a fake KMS shows in place of an answer. `slow` never answers, `reset` resets the connection, `http-503` is
 * a proxy's HTML page, and `truncated` carries out the operation and cuts its answer in half. The others are AWS's errors
 * of these names.
 */
export type KmsFault =
  | 'throttling'
  | 'internal'
  | 'dependency-timeout'
  | 'access-denied'
  | 'expired-token'
  | 'key-unavailable'
  | 'disabled'
  | 'pending-deletion'
  | 'incorrect-key'
  | 'slow'
  | 'reset'
  | 'http-503'
  | 'truncated';

type AwsFault = Exclude<KmsFault, 'slow' | 'reset' | 'http-503' | 'truncated'>;

type ErrorFields = readonly [name: string, message: string, status?: number];

const AWS_ERRORS: Readonly<Record<AwsFault, (keyArn: string, operation: string) => ErrorFields>> = {
  throttling: () => [
    'ThrottlingException',
    'You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.',
  ],
  internal: () => [
    'KMSInternalException',
    'The request was rejected because an internal exception occurred. The request can be retried.',
    500,
  ],
  'dependency-timeout': () => [
    'DependencyTimeoutException',
    'The system timed out while trying to fulfill the request. You can retry the request.',
    503,
  ],
  'key-unavailable': () => [
    'KeyUnavailableException',
    'The request was rejected because the specified KMS key was not available. You can retry the request.',
    500,
  ],
  'access-denied': (keyArn, operation) => [
    'AccessDeniedException',
    `User: arn:aws:iam::${keyArn.split(':')[4] ?? ''}:user/goldkey-testing is not authorized to perform: kms:${operation} on resource: ${keyArn} because no identity-based policy allows the kms:${operation} action`,
  ],
  disabled: (keyArn) => ['DisabledException', `${keyArn} is disabled.`],
  'pending-deletion': (keyArn) => ['KMSInvalidStateException', `${keyArn} is pending deletion.`],
  'incorrect-key': () => [
    'IncorrectKeyException',
    'The key ID in the request does not identify a CMK that can perform this operation.',
  ],
  'expired-token': () => ['ExpiredTokenException', 'The security token included in the request is expired'],
};

/** Every name that `inject` takes. */
export const KMS_FAULTS: readonly KmsFault[] = [
  ...(Object.keys(AWS_ERRORS) as AwsFault[]),
  'slow',
  'reset',
  'http-503',
  'truncated',
];

/** Returns AWS's error for a fault. */
export function createAwsError(fault: AwsFault, keyArn: string, operation = ''): KmsError {
  return new KmsError(...AWS_ERRORS[fault](keyArn, operation));
}

/** Returns whether a fault is one of AWS's errors. */
export function isAwsFault(fault: KmsFault | undefined): fault is AwsFault {
  return fault !== undefined && fault in AWS_ERRORS;
}
