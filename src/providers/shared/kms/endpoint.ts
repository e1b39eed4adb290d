import { KeyProviderError } from '../../../core/index.js';
import { ENDPOINT_RULE, parseEndpoint } from '../../../aws/client-config.js';
import { isOn, readVariable } from '../../../aws/environment.js';
import { AWS_KMS } from './errors.js';

/** The partitions of AWS by prefix of the Region: the domain for IPv4, and the one for both IPv4 and IPv6. */
const PARTITIONS: readonly (readonly [prefix: string, domain: string, dualStack: string])[] = [
  ['cn-', 'amazonaws.com.cn', 'api.amazonwebservices.com.cn'],
  ['eusc-', 'amazonaws.eu', 'api.amazonwebservices.eu'],
  ['us-iso-', 'c2s.ic.gov', 'api.aws.ic.gov'],
  ['us-isob-', 'sc2s.sgov.gov', 'api.aws.scloud'],
  ['us-isof-', 'csp.hci.ic.gov', 'api.aws.hci.ic.gov'],
  ['eu-isoe-', 'cloud.adc-e.uk', 'api.cloud-aws.adc-e.uk'],
  ['', 'amazonaws.com', 'api.aws'],
];

/** Returns the URL of KMS in a Region, by the rules of the AWS SDK. */
export function buildKmsUrl(region: string, { fips, dualStack }: { fips: boolean; dualStack: boolean }): string {
  const [, domain, both] = PARTITIONS.find(([prefix]) => region.startsWith(prefix)) ?? [];
  return `https://${fips ? 'kms-fips' : 'kms'}.${region}.${String(dualStack ? both : domain)}/`;
}

/** Returns the endpoint of KMS that the standard variables of AWS give, or else the Region's. */
export function findKmsEndpoint(region: string, allowHttp = false): URL {
  const isIgnored = isOn('AWS_IGNORE_CONFIGURED_ENDPOINT_URLS');
  const given = isIgnored ? undefined : (readVariable('AWS_ENDPOINT_URL_KMS') ?? readVariable('AWS_ENDPOINT_URL'));
  if (given === undefined) {
    const [fips, dualStack] = [isOn('AWS_USE_FIPS_ENDPOINT'), isOn('AWS_USE_DUALSTACK_ENDPOINT')];
    return new URL(buildKmsUrl(region, { fips, dualStack }));
  }
  const url = parseEndpoint(given, allowHttp);
  if (url !== undefined) return url;
  throw new KeyProviderError(`AWS_ENDPOINT_URL_KMS, or AWS_ENDPOINT_URL, ${ENDPOINT_RULE}.`, {
    provider: AWS_KMS,
    retryable: false,
  });
}
