import { disabled, incorrectKey, KmsRefusal, pendingDeletion } from './errors.js';

/**
 * What a fake KMS can be told to do instead of answering: `throttling`, `internal`, `dependency-timeout`,
 * `key-unavailable`, `access-denied`, `disabled`, `pending-deletion`, `incorrect-key` and `expired-token` are AWS's
 * errors of these names; `slow` never answers; `reset` resets the connection; `http-503` is a proxy's HTML page;
 * `truncated` does the work and cuts the answer in half.
 */
export type KmsFault =
  | 'throttling'
  | 'internal'
  | 'dependency-timeout'
  | 'key-unavailable'
  | 'access-denied'
  | 'disabled'
  | 'pending-deletion'
  | 'incorrect-key'
  | 'expired-token'
  | 'slow'
  | 'reset'
  | 'http-503'
  | 'truncated';

type Refusing = Exclude<KmsFault, 'slow' | 'reset' | 'http-503' | 'truncated'>;

interface Target {
  readonly operation: string;
  readonly keyArn: string;
}

const REFUSALS: Readonly<Record<Refusing, (target: Target) => KmsRefusal>> = {
  throttling: () =>
    new KmsRefusal(
      'ThrottlingException',
      'You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.',
    ),
  internal: () =>
    new KmsRefusal(
      'KMSInternalException',
      'The request was rejected because an internal exception occurred. The request can be retried.',
      500,
    ),
  'dependency-timeout': () =>
    new KmsRefusal(
      'DependencyTimeoutException',
      'The system timed out while trying to fulfill the request. You can retry the request.',
      503,
    ),
  'key-unavailable': () =>
    new KmsRefusal(
      'KeyUnavailableException',
      'The request was rejected because the specified KMS key was not available. You can retry the request.',
      500,
    ),
  'access-denied': ({ operation, keyArn }) =>
    new KmsRefusal(
      'AccessDeniedException',
      `User: arn:aws:iam::${keyArn.split(':')[4] ?? ''}:user/goldkey-testing is not authorized to perform: kms:${operation} on resource: ${keyArn} because no identity-based policy allows the kms:${operation} action`,
    ),
  disabled: ({ keyArn }) => disabled(keyArn),
  'pending-deletion': ({ keyArn }) => pendingDeletion(keyArn),
  'incorrect-key': () => incorrectKey(),
  'expired-token': () =>
    new KmsRefusal('ExpiredTokenException', 'The security token included in the request is expired'),
};

/** Every name `inject` takes. */
export const KMS_FAULTS: readonly KmsFault[] = [
  ...(Object.keys(REFUSALS) as Refusing[]),
  'slow',
  'reset',
  'http-503',
  'truncated',
];

/** The page a load balancer shows when nothing is behind it. */
export const UNAVAILABLE_PAGE = '<html><body><b>Http/1.1 Service Unavailable</b></body> </html>';

/** AWS's error for a fault, `undefined` for one that is not an error body. */
export function refusalOf(fault: KmsFault, target: Target): KmsRefusal | undefined {
  return fault in REFUSALS ? REFUSALS[fault as Refusing](target) : undefined;
}
