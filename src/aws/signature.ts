/** What AWS knows somebody by; temporary ones have a session token. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  /** When they end, where that is told. */
  readonly expiration?: Date | undefined;
}

/** A request that AWS is to know the sender of. */
export interface UnsignedRequest {
  /** As it stands in the credential scope, e.g. `kms`. */
  readonly service: string;
  readonly region: string;
  /** With the port, where the URL has one. */
  readonly host: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body: string;
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
  const host = hostOf(region);
  const headers = await signedHeaders(
    { service: 'sts', region: region === GLOBAL ? 'us-east-1' : region, host, path: '/', body: BODY },
    credentials,
    now,
  );
  return { method: 'POST', url: `https://${host}/`, headers, body: BODY };
}

/**
 * The headers of a POST request, with its signature (Signature Version 4).
 *
 * @param now - epoch ms, by a clock within five minutes of the service's
 */
export async function signedHeaders(
  request: UnsignedRequest,
  credentials: AwsCredentials,
  now: number,
): Promise<Record<string, string>> {
  const aws4 = await loadAws4();
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const { headers = {} } = aws4.sign(
    {
      ...request,
      method: 'POST',
      headers: { ...request.headers, 'X-Amz-Date': new Date(now).toISOString().replace(/[-:]|\.\d+/g, '') },
    },
    { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
  );
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

/**
 * `require` is the faster of the two; a bundled application has what the bundler saw the `import` of, which the build
 * points to a copy that asks for no `require`.
 */
async function loadAws4(): Promise<typeof import('aws4')> {
  try {
    return process.getBuiltinModule('node:module').createRequire(import.meta.url)('aws4') as typeof import('aws4');
  } catch {
    // The module itself: its functions are not found by name from an ES module.
    return (await import('aws4')).default;
  }
}

function hostOf(region: string): string {
  if (region === GLOBAL) return 'sts.amazonaws.com';
  return `sts.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}
