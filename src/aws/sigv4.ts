// AWS Signature Version 4 in the `Authorization` header, as far as goldkey needs it: no query, no streamed body.
import { nodeCrypto } from '../core/index.js';

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
  /** The path of a `URL`, which has resolved its dot segments. */
  readonly path: string;
  /** Headers to sign: not those that a proxy may change, such as `User-Agent`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The parts of a request that a signature covers. */
export interface SignedParts {
  readonly method: string;
  readonly path: string;
  /** Names in lower case, in the order of `SignedHeaders`. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string | Uint8Array;
}

export const ALGORITHM = 'AWS4-HMAC-SHA256';

/**
 * Returns the headers of a POST request with its signature.
 *
 * @param now - epoch ms; AWS accepts a signature within five minutes of its own clock
 */
export function signHeaders(
  { service, region, host, path, headers, body }: UnsignedRequest,
  { accessKeyId, secretAccessKey, sessionToken }: AwsCredentials,
  now: number,
): Record<string, string> {
  const date = formatAmzDate(now);
  const token = sessionToken === undefined ? {} : { 'X-Amz-Security-Token': sessionToken };
  const sent = { Host: host, ...headers, 'X-Amz-Date': date, ...token };
  const lower = Object.entries(sent).map(([name, value]) => [name.toLowerCase(), value] as const);
  const sorted = lower.toSorted(([a], [b]) => (a < b ? -1 : 1));
  const scope = [date.slice(0, 8), region, service, 'aws4_request'];
  const signature = computeSignature({ method: 'POST', path, headers: sorted, body }, date, scope, secretAccessKey);
  const names = sorted.map(([name]) => name).join(';');
  const credential = [accessKeyId, ...scope].join('/');
  const authorization = `${ALGORITHM} Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`;
  return { ...sent, Authorization: authorization };
}

/** Returns the signature in hex. The signing key is not kept: it takes a few microseconds, and keys are loaded rarely. */
export function computeSignature(
  { method, path, headers, body }: SignedParts,
  date: string,
  scope: readonly string[],
  secretAccessKey: string,
): string {
  const lines = headers.map(([name, value]) => `${name}:${value.trim().replace(/\s+/g, ' ')}`);
  const names = headers.map(([name]) => name).join(';');
  const request = [method, encodePath(path), '', ...lines, '', names, hashSha256(body)].join('\n');
  let key = Buffer.from(`AWS4${secretAccessKey}`);
  for (const part of [...scope, [ALGORITHM, date, scope.join('/'), hashSha256(request)].join('\n')]) {
    const next = nodeCrypto().createHmac('sha256', key).update(part).digest();
    key.fill(0);
    key = next;
  }
  return key.toString('hex');
}

/** Returns the time in ISO 8601's basic form, to the second. */
export function formatAmzDate(at: number): string {
  return new Date(at).toISOString().replace(/[-:]|\.\d+/g, '');
}

/** Encodes the path, a second time if it is encoded already, as every service but S3 does. */
function encodePath(path: string): string {
  const encoded = encodeURIComponent(path.replace(/\/+/g, '/')).replaceAll('%2F', '/');
  return encoded.replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

function hashSha256(data: string | Uint8Array): string {
  return nodeCrypto().createHash('sha256').update(data).digest('hex');
}
