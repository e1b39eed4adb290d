import { ALGORITHM, computeSignature, formatAmzDate } from '../../aws/sigv4.js';
import type { LoopbackRequest } from '../http/loopback-server.js';
import { KmsError } from './errors.js';

const WINDOW_MS = 300_000;
const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.';

/**
 * Checks an AWS Signature Version 4 in the `Authorization` header: the access key, the scope, the date (5 minutes
 * either way), that `host` and every `x-amz-*` header (the session token included) is signed, and the signature
 * itself over the received body. Throws AWS's error for a signature that does not hold.
 */
export function verifySigV4(
  request: LoopbackRequest,
  expected: { readonly accessKeyId: string; readonly secretAccessKey: string; readonly region: string },
): void {
  const header = request.headers['authorization']?.[0];
  if (header === undefined) throw new KmsError('MissingAuthenticationTokenException', 'Missing Authentication Token');
  const parts = parseAuthorization(header);
  const [accessKeyId, ...scope] = parts.get('Credential')?.split('/') ?? [];
  if (scope.length !== 4) throw incompleteError('Credential must have exactly 5 slash-delimited elements.');
  const signedHeaders = parts.get('SignedHeaders')?.split(';') ?? [];
  const date = request.headers['x-amz-date']?.[0] ?? '';
  const at = parseDate(date);
  if (Number.isNaN(at)) {
    throw incompleteError("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.");
  }
  if (accessKeyId !== expected.accessKeyId) {
    throw new KmsError('UnrecognizedClientException', 'The security token included in the request is invalid.');
  }
  const problem =
    checkScope(scope, date, expected.region) ?? checkDate(date, at) ?? findUnsignedHeader(request, signedHeaders);
  if (problem !== undefined) throw new KmsError('InvalidSignatureException', problem);
  const { method, target: path, body } = request;
  const headers = signedHeaders.map((name) => [name, (request.headers[name] ?? []).join(',')] as const);
  const signature = computeSignature({ method, path, headers, body }, date, scope, expected.secretAccessKey);
  if (parts.get('Signature') !== signature) throw new KmsError('InvalidSignatureException', MISMATCH);
}

function incompleteError(message: string): KmsError {
  return new KmsError('IncompleteSignatureException', message);
}

/** Returns the parts of the header, among them `Credential`, `SignedHeaders` and `Signature`. */
function parseAuthorization(header: string): ReadonlyMap<string | undefined, string | undefined> {
  if (!header.startsWith(`${ALGORITHM} `)) {
    throw incompleteError(`Authorization header requires the algorithm '${ALGORITHM}'.`);
  }
  const parts = new Map([...header.matchAll(/[ ,](\w+)=([^ ,]+)/g)].map(([, name, value]) => [name, value] as const));
  const missing = ['Credential', 'Signature', 'SignedHeaders'].filter((name) => !parts.has(name));
  if (missing.length > 0) {
    throw incompleteError(missing.map((name) => `Authorization header requires '${name}' parameter.`).join(' '));
  }
  return parts;
}

/** Returns the mistake in the parts of `<yyyymmdd>/<region>/<service>/aws4_request`. */
function checkScope(scope: readonly string[], date: string, expectedRegion: string): string | undefined {
  const [day, region, service, terminator] = scope;
  if (day !== date.slice(0, 8)) {
    return `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${String(day)}' != '${date.slice(0, 8)}', from '${date}'.`;
  }
  if (region !== expectedRegion) return 'Credential should be scoped to a valid region.';
  if (service !== 'kms') return "Credential should be scoped to correct service: 'kms'.";
  if (terminator !== 'aws4_request') return "Credential should be scoped with a valid terminator: 'aws4_request'.";
  return undefined;
}

function checkDate(date: string, at: number): string | undefined {
  const now = Date.now();
  if (at < now - WINDOW_MS) {
    return `Signature expired: ${date} is now earlier than ${formatAmzDate(now - WINDOW_MS)} (${formatAmzDate(now)} - 5 min.)`;
  }
  if (at > now + WINDOW_MS) {
    return `Signature not yet current: ${date} is still later than ${formatAmzDate(now + WINDOW_MS)} (${formatAmzDate(now)} + 5 min.)`;
  }
  return undefined;
}

function findUnsignedHeader(request: LoopbackRequest, signed: readonly string[]): string | undefined {
  const unsigned = Object.keys(request.headers).find(
    (name) => (name === 'host' || name.startsWith('x-amz-')) && !signed.includes(name),
  );
  return unsigned === undefined ? undefined : `'${unsigned}' must be a 'SignedHeader' in the AWS Authorization.`;
}

/** Returns the epoch ms of a date in ISO 8601's basic form, or `NaN` for another text. */
function parseDate(date: string): number {
  const extended = date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  return extended === date ? NaN : Date.parse(extended);
}
