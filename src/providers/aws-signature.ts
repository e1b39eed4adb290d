/** What AWS knows somebody by; temporary ones have a session token. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
}

/** A signed request, for somebody else to send. */
export interface SignedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The AWS SDK's name for the endpoints that belong to no region. */
const GLOBAL = 'aws-global';
const BODY = 'Action=GetCallerIdentity&Version=2011-06-15';

/** Whether `text` can be the name of a region: it becomes part of a host's. */
export function isAwsRegion(text: string): boolean {
  return /^[a-z\d]+(?:-[a-z\d]+)+$/.test(text);
}

/**
 * A question to STS who somebody is, which proves that to whoever sends it. It is good for 15 minutes.
 *
 * @param now - epoch ms
 * @param region - whose endpoint of STS it is for; the global one by default
 */
export async function signedCallerIdentity(
  credentials: AwsCredentials,
  now: number,
  region: string = GLOBAL,
): Promise<SignedRequest> {
  // The module itself: its functions are not found by name from an ES module.
  const { default: aws4 } = await import('aws4');
  const host = hostOf(region);
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const { headers = {} } = aws4.sign(
    {
      service: 'sts',
      region: region === GLOBAL ? 'us-east-1' : region,
      host,
      method: 'POST',
      path: '/',
      body: BODY,
      headers: { 'X-Amz-Date': new Date(now).toISOString().replace(/[-:]|\.\d+/g, '') },
    },
    { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
  );
  return {
    method: 'POST',
    url: `https://${host}/`,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    body: BODY,
  };
}

function hostOf(region: string): string {
  if (region === GLOBAL) return 'sts.amazonaws.com';
  return `sts.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}
