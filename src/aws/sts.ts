import { signHeaders, type AwsCredentials } from './sigv4.js';

/** The AWS SDK's name for endpoints outside any Region. */
const GLOBAL = 'aws-global';

/** A signed request to STS. It is valid for 15 minutes. */
export interface StsRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Where STS is called. */
export interface StsPlace {
  /** The Region of the endpoint. Default: the global endpoint. */
  readonly region?: string | undefined;
  /** Another address for STS. */
  readonly endpoint?: URL | undefined;
}

/**
 * Signs a request to STS.
 *
 * @param action - what is asked, e.g. `GetCallerIdentity`: whoever sends that learns whose credentials signed it
 * @param now - epoch ms
 */
export function signStsRequest(
  action: string,
  parameters: Readonly<Record<string, string>>,
  credentials: AwsCredentials,
  now: number,
  { region = GLOBAL, endpoint }: StsPlace,
): StsRequest {
  const suffix = region.startsWith('cn-') ? '.cn' : '';
  const standard = region === GLOBAL ? 'sts.amazonaws.com' : `sts.${region}.amazonaws.com${suffix}`;
  const { origin, host } = endpoint ?? new URL(`https://${standard}`);
  const signed = region === GLOBAL ? 'us-east-1' : region;
  const body = new URLSearchParams({ Action: action, Version: '2011-06-15', ...parameters }).toString();
  const headers = {
    'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8',
    'Content-Length': String(body.length),
  };
  const request = { service: 'sts', region: signed, host, path: '/', headers, body };
  return { method: 'POST', url: `${origin}/`, headers: signHeaders(request, credentials, now), body };
}
