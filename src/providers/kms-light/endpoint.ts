import { invalidRange, isSecureTransport, KeyProviderError } from '../../core/index.js';
import { isOn, variable } from '../../aws/environment.js';
import { AWS_KMS } from '../shared/kms/errors.js';

/** By how a region begins: the domain of its partition, and the one for both IPv4 and IPv6. */
const PARTITIONS: readonly (readonly [prefix: string, domain: string, dualStack: string])[] = [
  ['cn-', 'amazonaws.com.cn', 'api.amazonwebservices.com.cn'],
  ['eusc-', 'amazonaws.eu', 'api.amazonwebservices.eu'],
  ['us-iso-', 'c2s.ic.gov', 'api.aws.ic.gov'],
  ['us-isob-', 'sc2s.sgov.gov', 'api.aws.scloud'],
  ['us-isof-', 'csp.hci.ic.gov', 'api.aws.hci.ic.gov'],
  ['eu-isoe-', 'cloud.adc-e.uk', 'api.cloud-aws.adc-e.uk'],
  ['', 'amazonaws.com', 'api.aws'],
];

/** Where KMS is in a region, by the rules of the AWS SDK. */
export function kmsUrl(region: string, { fips, dualStack }: { fips: boolean; dualStack: boolean }): string {
  const [, domain, both] = PARTITIONS.find(([prefix]) => region.startsWith(prefix)) ?? [];
  return `https://${fips ? 'kms-fips' : 'kms'}.${region}.${String(dualStack ? both : domain)}/`;
}

/** Checks the `endpoint` option. */
export function checkEndpoint(endpoint: string | undefined): URL | undefined {
  if (endpoint === undefined) return undefined;
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url !== undefined && isSecureTransport(url)) return url;
  throw invalidRange('`endpoint` must be an https URL, or an http URL on loopback.');
}

/** Where KMS is said to be: by the standard variables, else in `region` itself. */
export function kmsEndpoint(region: string): URL {
  const given = isOn('AWS_IGNORE_CONFIGURED_ENDPOINT_URLS')
    ? undefined
    : (variable('AWS_ENDPOINT_URL_KMS') ?? variable('AWS_ENDPOINT_URL'));
  if (given === undefined) {
    const [fips, dualStack] = [isOn('AWS_USE_FIPS_ENDPOINT'), isOn('AWS_USE_DUALSTACK_ENDPOINT')];
    return new URL(kmsUrl(region, { fips, dualStack }));
  }
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url !== undefined && isSecureTransport(url)) return url;
  throw new KeyProviderError(
    'AWS_ENDPOINT_URL_KMS, or AWS_ENDPOINT_URL, must be an https URL, or an http URL on loopback.',
    { provider: AWS_KMS, retryable: false },
  );
}
