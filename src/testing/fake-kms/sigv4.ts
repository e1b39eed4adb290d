import { nodeCrypto } from '../../core/index.js';
import type { LoopbackRequest } from '../http/loopback-server.js';

/** The credentials and the scope that a signature must be made with. */
export interface SigV4Expectation {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  readonly service: string;
  /** The server's time in epoch ms. */
  readonly now: number;
}

/** AWS's error for a signature that does not hold, sent with HTTP status 400. */
export interface SigV4Error {
  readonly name:
    | 'MissingAuthenticationTokenException'
    | 'IncompleteSignatureException'
    | 'UnrecognizedClientException'
    | 'InvalidSignatureException';
  readonly message: string;
}

interface Authorization {
  readonly accessKeyId: string;
  /** The parts of `<yyyymmdd>/<region>/<service>/aws4_request`. */
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
 * either way), that `host` and every `x-amz-*` header (the session token included) is signed, and the signature
 * itself over the received body. It shares no code with goldkey's own signer, which it is there to test.
 *
 * @param request - the request, with its body
 * @param expected - the only accepted credentials, and their scope
 * @returns `undefined` for a valid signature, else AWS's error
 */
export function verifySigV4(request: LoopbackRequest, expected: SigV4Expectation): SigV4Error | undefined {
  const header = readHeader(request, 'authorization');
  if (header === undefined) return createError('MissingAuthenticationTokenException', 'Missing Authentication Token');
  const authorization = parseAuthorization(header);
  if (typeof authorization === 'string') return createError('IncompleteSignatureException', authorization);
  const date = readHeader(request, 'x-amz-date');
  const at = date === undefined ? undefined : parseDate(date);
  if (date === undefined || at === undefined) {
    const message = `Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.`;
    return createError('IncompleteSignatureException', message);
  }
  if (authorization.accessKeyId !== expected.accessKeyId) {
    return createError('UnrecognizedClientException', 'The security token included in the request is invalid.');
  }
  const problem =
    checkScope(authorization.scope, date, expected) ??
    checkDate(date, at, expected.now) ??
    findUnsignedHeader(request, authorization.signedHeaders);
  if (problem !== undefined) return createError('InvalidSignatureException', problem);
  const signature = computeSignature(request, authorization, date, expected);
  const same = authorization.signature.length === signature.length;
  if (same && nodeCrypto().timingSafeEqual(Buffer.from(authorization.signature), Buffer.from(signature)))
    return undefined;
  return createError('InvalidSignatureException', MISMATCH);
}

function createError(name: SigV4Error['name'], message: string): SigV4Error {
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

function checkScope(scope: readonly string[], date: string, expected: SigV4Expectation): string | undefined {
  const [day, region, service, terminator] = scope;
  if (day !== date.slice(0, 8)) {
    return `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${String(day)}' != '${date.slice(0, 8)}', from '${date}'.`;
  }
  if (region !== expected.region) return 'Credential should be scoped to a valid region.';
  if (service !== expected.service) return `Credential should be scoped to correct service: '${expected.service}'.`;
  if (terminator !== 'aws4_request') return `Credential should be scoped with a valid terminator: 'aws4_request'.`;
  return undefined;
}

function checkDate(date: string, at: number, now: number): string | undefined {
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

function findUnsignedHeader(request: LoopbackRequest, signed: readonly string[]): string | undefined {
  const unsigned = Object.keys(request.headers).find(
    (name) => (name === 'host' || name.startsWith('x-amz-')) && !signed.includes(name),
  );
  return unsigned === undefined ? undefined : `'${unsigned}' must be a 'SignedHeader' in the AWS Authorization.`;
}

function computeSignature(
  request: LoopbackRequest,
  { scope, signedHeaders }: Authorization,
  date: string,
  expected: SigV4Expectation,
): string {
  const [path = '/', query = ''] = splitOnce(request.target, '?');
  const canonicalRequest = [
    request.method,
    path.split('/').map(percentEncode).join('/'),
    canonicalizeQuery(query),
    ...signedHeaders.map((name) => `${name}:${(request.headers[name] ?? []).map(collapseSpaces).join(',')}`),
    '',
    signedHeaders.join(';'),
    hashSha256(request.body),
  ].join('\n');
  const stringToSign = [ALGORITHM, date, scope.join('/'), hashSha256(canonicalRequest)].join('\n');
  let key: string | Buffer = `AWS4${expected.secretAccessKey}`;
  for (const part of scope) key = signHmac(key, part);
  return signHmac(key, stringToSign).toString('hex');
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** Returns the pairs sorted by name, then by value, in the encoding that the client sent. */
function canonicalizeQuery(query: string): string {
  if (query === '') return '';
  const pairs = query.split('&').map((pair) => splitOnce(pair, '='));
  return pairs
    .toSorted(([a, x], [b, y]) => compareText(a, b) || compareText(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

/** Encodes as RFC 3986 does: encodeURIComponent leaves five characters as they are that AWS encodes. */
function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function collapseSpaces(value: string): string {
  return value.trim().replace(/\s+/g, ' ');
}

function splitOnce(text: string, separator: string): [string, string] {
  const index = text.indexOf(separator);
  return index === -1 ? [text, ''] : [text.slice(0, index), text.slice(index + 1)];
}

function readHeader(request: LoopbackRequest, name: string): string | undefined {
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

function hashSha256(data: string | Buffer): string {
  return nodeCrypto().createHash('sha256').update(data).digest('hex');
}

function signHmac(key: string | Buffer, data: string): Buffer {
  return nodeCrypto().createHmac('sha256', key).update(data).digest();
}
