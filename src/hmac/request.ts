import { asUint8Array, checkString, describeType, invalidType, tryOrUndefined } from '../core/index.js';
import { readHeaders, type HeaderValues } from './headers.js';
import { SignatureError } from './signature-error.js';
import type { HmacRequest } from './types.js';

/** A URL with a host, and no user, fragment, white space or backslash; its path and its query as they are written. */
const WRITTEN_URL = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@%\\\s]+(\/[^?#\\\s]*)?(\?[^#\\\s]*)?$/i;
/** A method in letters of one case; a line break in it would move the borders of what is signed. */
const METHOD = /^(?:[A-Z][A-Z0-9_-]*|[a-z][a-z0-9_-]*)$/;

/** A request, checked and in one form. */
export interface CheckedRequest {
  readonly method: string;
  readonly url: string;
  /** The path, e.g. `/`, and the query with its `?`, or nothing. */
  readonly path: string;
  readonly query: string;
  readonly headers: HeaderValues;
  readonly body: Uint8Array | string | undefined;
}

/** Checks the caller's request: what is wrong with it is a mistake of the program, and not of the signature. */
export function checkRequest(request: HmacRequest): CheckedRequest {
  const given = (request ?? {}) as Partial<HmacRequest>;
  const method = checkString('method', given.method);
  const { url, headers, body } = given;
  const parsed = tryOrUndefined(() => new URL(String(url)));
  // It is never sent.
  if (parsed !== undefined) parsed.hash = '';
  const parts = splitUrl(parsed?.href);
  if (parsed === undefined || parts === undefined)
    throw invalidType(
      '`url` must be a whole URL, with protocol and host, and no user or password; write a backslash in its query as `%5C`.',
    );
  return { method, url: parsed.href, ...parts, headers: readHeaders(headers), body: checkBody(body) };
}

/**
 * Checks a request that came. Its path and query are those that are written: a URL object would make `/orders` of
 * `/admin/../orders`, which the server may take for something else.
 */
export function checkReceived(request: HmacRequest): CheckedRequest {
  const { method, url, headers, body } = (request ?? {}) as Partial<HmacRequest>;
  const parts = splitUrl(url);
  // Made of the sender's words, e.g. its `host`.
  const isWhole = typeof url === 'string' && url.includes('://');
  if (isWhole && (parts === undefined || !URL.canParse(url))) throw malformedRequest();
  const checked = checkRequest({ method, url, headers, body } as HmacRequest);
  if (parts === undefined || !METHOD.test(checked.method)) throw malformedRequest();
  const hasBody =
    (checked.headers.get('content-length')?.[0] ?? '0') !== '0' || checked.headers.has('transfer-encoding');
  if (hasBody && body === undefined)
    throw new SignatureError('digest', 'The request has a body, by its headers; give it as `body`, byte for byte.');
  return { ...checked, ...parts };
}

function splitUrl(url: unknown): { path: string; query: string } | undefined {
  const [whole, path = '/', query = ''] = WRITTEN_URL.exec(String(url)) ?? [];
  return whole === undefined ? undefined : { path, query };
}

function malformedRequest(): SignatureError {
  return new SignatureError('malformed', 'The method or the URL is not written as a request has it.');
}

/** Returns a body as text or bytes. One that was parsed is no body any more: its bytes are gone. */
export function checkBody(body: unknown): Uint8Array | string | undefined {
  if (body === undefined || typeof body === 'string') return body;
  const bytes = asUint8Array(body);
  if (bytes !== undefined) return bytes;
  throw invalidType(`\`body\` must be the bytes or the text that was sent, got ${describeType(body)}.`);
}
