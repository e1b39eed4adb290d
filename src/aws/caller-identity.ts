import { signHeaders, type AwsCredentials } from './sigv4.js';

/** The AWS SDK's name for endpoints outside any Region. */
const GLOBAL = 'aws-global';
const BODY = 'Action=GetCallerIdentity&Version=2011-06-15';
const HEADERS = {
  'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8',
  'Content-Length': String(BODY.length),
};

/**
 * Signs STS's GetCallerIdentity: whoever sends the request learns whose credentials signed it. It is valid for 15 minutes.
 *
 * @param now - epoch ms
 * @param region - the Region of the endpoint. Default: the global endpoint
 * @param endpoint - another address for STS
 */
export function signCallerIdentity(
  credentials: AwsCredentials,
  now: number,
  region: string = GLOBAL,
  endpoint?: URL,
): { method: string; url: string; headers: Record<string, string>; body: string } {
  const suffix = region.startsWith('cn-') ? '.cn' : '';
  const standard = region === GLOBAL ? 'sts.amazonaws.com' : `sts.${region}.amazonaws.com${suffix}`;
  const { origin, host } = endpoint ?? new URL(`https://${standard}`);
  const signed = region === GLOBAL ? 'us-east-1' : region;
  const request = { service: 'sts', region: signed, host, path: '/', headers: HEADERS, body: BODY };
  return { method: 'POST', url: `${origin}/`, headers: signHeaders(request, credentials, now), body: BODY };
}
