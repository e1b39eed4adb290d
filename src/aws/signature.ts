/** Credentials of AWS, of visible ASCII characters. */
export interface AwsCredentials {
  /** The access key's id, e.g. `AKIA…`, or `ASIA…` for temporary credentials. */
  readonly accessKeyId: string;
  /** The secret access key. */
  readonly secretAccessKey: string;
  /** The session token of temporary credentials. */
  readonly sessionToken?: string | undefined;
  /** The end of temporary credentials. Default: unknown, so that they are asked for each time. */
  readonly expiration?: Date | undefined;
}

/** A POST request before it is signed. */
export interface UnsignedRequest {
  /** The service's name in the credential scope, e.g. `kms`. */
  readonly service: string;
  readonly region: string;
  /** The host, with the port if the URL has one. */
  readonly host: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body: string;
}

/** The AWS SDK's name for endpoints outside any Region. */
const GLOBAL = 'aws-global';
const BODY = 'Action=GetCallerIdentity&Version=2011-06-15';

/** Returns whether `text` can be the name of a Region. It becomes part of a host name. */
export function isAwsRegion(text: string): boolean {
  return /^[a-z\d]+(?:-[a-z\d]+)+$/.test(text);
}

/**
 * Signs STS's GetCallerIdentity: whoever sends the request learns whose credentials signed it. It is valid for 15 minutes.
 *
 * @param now - epoch ms
 * @param region - the Region of the endpoint. Default: the global endpoint
 */
export async function signCallerIdentity(
  credentials: AwsCredentials,
  now: number,
  region: string = GLOBAL,
): Promise<{ method: string; url: string; headers: Record<string, string>; body: string }> {
  const suffix = region.startsWith('cn-') ? '.cn' : '';
  const host = region === GLOBAL ? 'sts.amazonaws.com' : `sts.${region}.amazonaws.com${suffix}`;
  const headers = await signHeaders(
    { service: 'sts', region: region === GLOBAL ? 'us-east-1' : region, host, path: '/', body: BODY },
    credentials,
    now,
  );
  return { method: 'POST', url: `https://${host}/`, headers, body: BODY };
}

/**
 * Returns the headers of a POST request with its signature (AWS Signature Version 4).
 *
 * @param now - epoch ms; AWS accepts a signature within five minutes of its own clock
 */
export async function signHeaders(
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
 * Loads aws4 by `require`, which is faster than `import`. A bundled application has it through the `import`, which the
 * build points to a copy without `require`.
 */
async function loadAws4(): Promise<typeof import('aws4')> {
  try {
    return process.getBuiltinModule('node:module').createRequire(import.meta.url)('aws4') as typeof import('aws4');
  } catch {
    // The default export, because an ES module does not see the names of aws4's functions.
    return (await import('aws4')).default;
  }
}
