import { asUint8Array, describeType, invalidType, tryOrUndefined } from '../core/index.js';
import { readHeaders, type HeaderValues } from './headers.js';
import { SignatureError } from './signature-error.js';
import type { HmacRequest } from './types.js';

/** A request, checked and in one form. */
export interface CheckedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: HeaderValues;
  readonly body: Uint8Array | string | undefined;
}

/** Checks the caller's request: what is wrong with it is a mistake of the program, and not of the signature. */
export function checkRequest(request: HmacRequest): CheckedRequest {
  const { method, url, headers, body } = (request ?? {}) as Partial<HmacRequest>;
  if (typeof method !== 'string' || method === '')
    throw invalidType(`\`method\` must be a string, got ${describeType(method)}.`);
  const parsed = tryOrUndefined(() => new URL(String(url)));
  if (parsed === undefined) throw invalidType('`url` must be a whole URL, with protocol and host.');
  return { method, url: parsed.href, headers: readHeaders(headers), body: checkBody(body) };
}

/** Checks that method and URL are written as they are signed: `pOST` or a `\\` would be signed as `POST` and `/`. */
export function checkSpelling({ method, url }: HmacRequest): void {
  const isOneCase = method === method.toUpperCase() || method === method.toLowerCase();
  if (isOneCase && !/[\\#\s]/.test(String(url))) return;
  throw new SignatureError('malformed', 'The method or the URL is not written as a request has it.');
}

/** Returns a body as text or bytes. One that was parsed is no body any more: its bytes are gone. */
export function checkBody(body: unknown): Uint8Array | string | undefined {
  if (body === undefined || typeof body === 'string') return body;
  const bytes = asUint8Array(body);
  if (bytes !== undefined) return bytes;
  throw invalidType(`\`body\` must be the bytes or the text that was sent, got ${describeType(body)}.`);
}
