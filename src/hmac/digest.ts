import { nodeCrypto } from '../core/index.js';

/** The header that holds the digest of the body. */
export const CONTENT_DIGEST = 'content-digest';

/** Digests that are read, strongest first, by their names in RFC 9530. */
const DIGESTS = { 'sha-512': 'sha512', 'sha-256': 'sha256' } as const;

/** Returns the bytes of a body. */
export function encodeBody(body: Uint8Array | string): Uint8Array {
  return typeof body === 'string' ? Buffer.from(body, 'utf8') : body;
}

/** Returns the `Content-Digest` of a body (RFC 9530). */
export function digestBody(body: Uint8Array | string): string {
  return `sha-256=:${hash('sha-256', body)}:`;
}

/** Returns whether a `Content-Digest` is that of the body. At least one digest of it must be known, and all known ones right. */
export function matchesDigest(header: string, body: Uint8Array | string): boolean {
  let known = 0;
  for (const member of header.split(',')) {
    const [name = '', ...rest] = member.trim().split('=');
    if (!Object.hasOwn(DIGESTS, name)) continue;
    known++;
    const given = Buffer.from(rest.join('='));
    const right = Buffer.from(`:${hash(name as keyof typeof DIGESTS, body)}:`);
    if (given.length !== right.length || !nodeCrypto().timingSafeEqual(given, right)) return false;
  }
  return known > 0;
}

function hash(name: keyof typeof DIGESTS, body: Uint8Array | string): string {
  return nodeCrypto().createHash(DIGESTS[name]).update(encodeBody(body)).digest('base64');
}
