import { nodeCrypto } from '../../core/index.js';
import type { LoopbackRequest } from '../http/loopback-server.js';

/** What a signature is checked against. */
export interface SigV4Expectation {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  readonly service: string;
  /** Epoch ms: the server's idea of now. */
  readonly now: number;
}

/** Why a signature is refused, in the words AWS uses; the HTTP status is 400. */
export interface SigV4Refusal {
  readonly name:
    | 'MissingAuthenticationTokenException'
    | 'IncompleteSignatureException'
    | 'UnrecognizedClientException'
    | 'InvalidSignatureException';
  readonly message: string;
}

interface Authorization {
  readonly accessKeyId: string;
  /** `<yyyymmdd>/<region>/<service>/aws4_request`, split. */
  readonly scope: readonly string[];
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const WINDOW_MINUTES = 5;
const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.';

/**
 * Checks an AWS Signature Version 4 in the `Authorization` header: the access key, the scope, the date (5 minutes
 * either way), that `host` and every `x-amz-*` header (the session token among them) is signed, and the signature
 * itself over the body as it came.
 *
 * @param request - the request, with its body
 * @param expected - the only credentials accepted, and the scope they must be used in
 * @returns `undefined` when the signature holds, else AWS's error
 */
export function verifySigV4(request: LoopbackRequest, expected: SigV4Expectation): SigV4Refusal | undefined {
  const header = one(request, 'authorization');
  if (header === undefined) return refusal('MissingAuthenticationTokenException', 'Missing Authentication Token');
  const authorization = parseAuthorization(header);
  if (typeof authorization === 'string') return refusal('IncompleteSignatureException', authorization);
  const date = one(request, 'x-amz-date');
  const at = date === undefined ? undefined : parseDate(date);
  if (date === undefined || at === undefined) {
    const message = `Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.`;
    return refusal('IncompleteSignatureException', message);
  }
  if (authorization.accessKeyId !== expected.accessKeyId) {
    return refusal('UnrecognizedClientException', 'The security token included in the request is invalid.');
  }
  const problem =
    scopeProblem(authorization.scope, date, expected) ??
    dateProblem(date, at, expected.now) ??
    unsignedHeader(request, authorization.signedHeaders);
  if (problem !== undefined) return refusal('InvalidSignatureException', problem);
  const signature = sign(request, authorization, date, expected);
  const same = authorization.signature.length === signature.length;
  if (same && nodeCrypto().timingSafeEqual(Buffer.from(authorization.signature), Buffer.from(signature)))
    return undefined;
  return refusal('InvalidSignatureException', MISMATCH);
}

function refusal(name: SigV4Refusal['name'], message: string): SigV4Refusal {
  return { name, message };
}

function parseAuthorization(header: string): Authorization | string {
  const space = header.indexOf(' ');
  if (header.slice(0, space) !== ALGORITHM) return `Authorization header requires the algorithm '${ALGORITHM}'.`;
  const parts = new Map<string, string>();
  for (const part of header.slice(space + 1).split(',')) {
    const equals = part.indexOf('=');
    if (equals > 0) parts.set(part.slice(0, equals).trim(), part.slice(equals + 1).trim());
  }
  const missing = ['Credential', 'Signature', 'SignedHeaders'].filter((name) => !parts.get(name));
  if (missing.length > 0) {
    return missing.map((name) => `Authorization header requires '${name}' parameter.`).join(' ');
  }
  const [accessKeyId = '', ...scope] = (parts.get('Credential') ?? '').split('/');
  if (scope.length !== 4) return 'Credential must have exactly 5 slash-delimited elements.';
  return {
    accessKeyId,
    scope,
    signedHeaders: (parts.get('SignedHeaders') ?? '').split(';'),
    signature: parts.get('Signature') ?? '',
  };
}

function scopeProblem(scope: readonly string[], date: string, expected: SigV4Expectation): string | undefined {
  const [day, region, service, terminator] = scope;
  if (day !== date.slice(0, 8)) {
    return `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${String(day)}' != '${date.slice(0, 8)}', from '${date}'.`;
  }
  if (region !== expected.region) return 'Credential should be scoped to a valid region.';
  if (service !== expected.service) return `Credential should be scoped to correct service: '${expected.service}'.`;
  if (terminator !== 'aws4_request') return `Credential should be scoped with a valid terminator: 'aws4_request'.`;
  return undefined;
}

function dateProblem(date: string, at: number, now: number): string | undefined {
  const window = WINDOW_MINUTES * 60_000;
  const minutes = String(WINDOW_MINUTES);
  if (at < now - window) {
    return `Signature expired: ${date} is now earlier than ${formatDate(now - window)} (${formatDate(now)} - ${minutes} min.)`;
  }
  if (at > now + window) {
    return `Signature not yet current: ${date} is still later than ${formatDate(now + window)} (${formatDate(now)} + ${minutes} min.)`;
  }
  return undefined;
}

function unsignedHeader(request: LoopbackRequest, signed: readonly string[]): string | undefined {
  const unsigned = Object.keys(request.headers).find(
    (name) => (name === 'host' || name.startsWith('x-amz-')) && !signed.includes(name),
  );
  return unsigned === undefined ? undefined : `'${unsigned}' must be a 'SignedHeader' in the AWS Authorization.`;
}

function sign(
  request: LoopbackRequest,
  { scope, signedHeaders }: Authorization,
  date: string,
  expected: SigV4Expectation,
): string {
  const [path = '/', query = ''] = split(request.target, '?');
  const canonicalRequest = [
    request.method,
    path.split('/').map(encode).join('/'),
    canonicalQuery(query),
    ...signedHeaders.map((name) => `${name}:${(request.headers[name] ?? []).map(collapse).join(',')}`),
    '',
    signedHeaders.join(';'),
    sha256(request.body),
  ].join('\n');
  const stringToSign = [ALGORITHM, date, scope.join('/'), sha256(canonicalRequest)].join('\n');
  let key: string | Buffer = `AWS4${expected.secretAccessKey}`;
  for (const part of scope) key = hmac(key, part);
  return hmac(key, stringToSign).toString('hex');
}

function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** The pairs by name, then by value, in the encoding the client sent. */
function canonicalQuery(query: string): string {
  if (query === '') return '';
  const pairs = query.split('&').map((pair) => split(pair, '='));
  return pairs
    .toSorted(([a, x], [b, y]) => order(a, b) || order(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

/** RFC 3986: what encodeURIComponent leaves alone and AWS does not. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function collapse(value: string): string {
  return value.trim().replace(/\s+/g, ' ');
}

function split(text: string, separator: string): [string, string] {
  const index = text.indexOf(separator);
  return index === -1 ? [text, ''] : [text.slice(0, index), text.slice(index + 1)];
}

function one(request: LoopbackRequest, name: string): string | undefined {
  return request.headers[name]?.[0];
}

function parseDate(date: string): number | undefined {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date) ?? [];
  if (year === undefined) return undefined;
  const at = Date.parse(`${year}-${month ?? ''}-${day ?? ''}T${hour ?? ''}:${minute ?? ''}:${second ?? ''}Z`);
  return Number.isNaN(at) ? undefined : at;
}

function formatDate(at: number): string {
  return new Date(at).toISOString().replace(/[-:]|\.\d{3}/g, '');
}

function sha256(data: string | Buffer): string {
  return nodeCrypto().createHash('sha256').update(data).digest('hex');
}

function hmac(key: string | Buffer, data: string): Buffer {
  return nodeCrypto().createHmac('sha256', key).update(data).digest();
}
