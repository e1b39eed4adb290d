import { nodeCrypto } from '../../core/index.js';
import type { LoopbackRequest } from '../http/loopback-server.js';
import { KmsError } from './errors.js';

/** The credentials that a request must be signed with. */
export interface SigV4Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

interface Authorization {
  readonly accessKeyId: string;
  /** The parts of `<yyyymmdd>/<region>/<service>/aws4_request`. */
  readonly scope: readonly string[];
  readonly signedHeaders: readonly string[];
  readonly signature: string | undefined;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const WINDOW_MS = 300_000;
const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.';

/**
 * Checks an AWS Signature Version 4 in the `Authorization` header: the access key, the scope, the date (5 minutes
 * either way), that `host` and every `x-amz-*` header (the session token included) is signed, and the signature
 * itself over the received body. It shares no code with goldkey's own signer, which it is there to test. Throws AWS's
 * error for a signature that does not hold.
 */
export function verifySigV4(request: LoopbackRequest, expected: SigV4Credentials, region: string): void {
  const header = request.headers['authorization']?.[0];
  if (header === undefined) throw new KmsError('MissingAuthenticationTokenException', 'Missing Authentication Token');
  const { accessKeyId, scope, signedHeaders, signature } = parseAuthorization(header);
  const date = request.headers['x-amz-date']?.[0] ?? '';
  const at = parseDate(date);
  if (Number.isNaN(at)) {
    throw incompleteError("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.");
  }
  if (accessKeyId !== expected.accessKeyId) {
    throw new KmsError('UnrecognizedClientException', 'The security token included in the request is invalid.');
  }
  const problem =
    checkScope(scope, date, region) ?? checkDate(date, at, Date.now()) ?? findUnsignedHeader(request, signedHeaders);
  if (problem !== undefined) throw new KmsError('InvalidSignatureException', problem);
  const canonicalRequest = [
    request.method,
    request.target,
    // The query: a request of KMS has none.
    '',
    ...signedHeaders.map((name) => `${name}:${(request.headers[name] ?? []).map(collapseSpaces).join(',')}`),
    '',
    signedHeaders.join(';'),
    hashSha256(request.body),
  ].join('\n');
  let key: string | Buffer = `AWS4${expected.secretAccessKey}`;
  for (const part of scope) key = signHmac(key, part);
  const stringToSign = [ALGORITHM, date, scope.join('/'), hashSha256(canonicalRequest)].join('\n');
  if (signature !== signHmac(key, stringToSign).toString('hex')) {
    throw new KmsError('InvalidSignatureException', MISMATCH);
  }
}

function incompleteError(message: string): KmsError {
  return new KmsError('IncompleteSignatureException', message);
}

function parseAuthorization(header: string): Authorization {
  if (!header.startsWith(`${ALGORITHM} `)) {
    throw incompleteError(`Authorization header requires the algorithm '${ALGORITHM}'.`);
  }
  const parts = new Map([...header.matchAll(/[ ,](\w+)=([^ ,]+)/g)].map(([, name, value]) => [name, value] as const));
  const missing = ['Credential', 'Signature', 'SignedHeaders'].filter((name) => !parts.has(name));
  if (missing.length > 0) {
    throw incompleteError(missing.map((name) => `Authorization header requires '${name}' parameter.`).join(' '));
  }
  const [accessKeyId = '', ...scope] = parts.get('Credential')?.split('/') ?? [];
  if (scope.length !== 4) throw incompleteError('Credential must have exactly 5 slash-delimited elements.');
  const signedHeaders = parts.get('SignedHeaders')?.split(';') ?? [];
  return { accessKeyId, scope, signedHeaders, signature: parts.get('Signature') };
}

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

function checkDate(date: string, at: number, now: number): string | undefined {
  if (at < now - WINDOW_MS) {
    return `Signature expired: ${date} is now earlier than ${formatDate(now - WINDOW_MS)} (${formatDate(now)} - 5 min.)`;
  }
  if (at > now + WINDOW_MS) {
    return `Signature not yet current: ${date} is still later than ${formatDate(now + WINDOW_MS)} (${formatDate(now)} + 5 min.)`;
  }
  return undefined;
}

function findUnsignedHeader(request: LoopbackRequest, signed: readonly string[]): string | undefined {
  const unsigned = Object.keys(request.headers).find(
    (name) => (name === 'host' || name.startsWith('x-amz-')) && !signed.includes(name),
  );
  return unsigned === undefined ? undefined : `'${unsigned}' must be a 'SignedHeader' in the AWS Authorization.`;
}

function collapseSpaces(value: string): string {
  return value.trim().replace(/\s+/g, ' ');
}

/** Returns the epoch ms of a date in ISO 8601's basic form, or `NaN` for another text. */
function parseDate(date: string): number {
  const extended = date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  return extended === date ? NaN : Date.parse(extended);
}

function formatDate(at: number): string {
  return new Date(at).toISOString().replace(/[-:]|\.\d{3}/g, '');
}

function hashSha256(data: string | Buffer): string {
  return nodeCrypto().createHash('sha256').update(data).digest('hex');
}

function signHmac(key: string | Buffer, data: string): Buffer {
  return nodeCrypto().createHmac('sha256', key).update(data).digest();
}
