import {
  invalidType,
  raceAbort,
  type CallOptions,
  type Clock,
  type KeyContext,
  type KeyedClient,
} from '../core/index.js';
import { CONTENT_DIGEST, digestBody } from './digest.js';
import { toObject } from './headers.js';
import { ALGORITHM, computeMac, createNonce } from './mac.js';
import { checkClient, checkSignerOptions, type CheckedSigner } from './options.js';
import { loadSignatures } from './package.js';
import { checkRequest } from './request.js';
import type { HmacRequest, SignatureHeaders, SignerOptions } from './types.js';

/** Signs requests. */
export interface HmacSigner {
  /**
   * Returns the headers that sign a request, to be sent with it.
   *
   * @param request - the request as it is sent
   * @param call - options of the call that reads the key
   * @throws {GoldKeyError} when there is no key: the store's error, with its code
   * @throws {MissingPackageError} `ERR_GOLDKEY_MISSING_PACKAGE`: `http-message-signatures` is not installed
   */
  sign(request: HmacRequest, call?: CallOptions): Promise<SignatureHeaders>;
  /**
   * Like the global `fetch`, with signed requests. An answer with status 401 is repaired as every refused call: the key is
   * read again and the request signed anew, once. A redirect is the answer, and is not followed: it would need a signature of
   * its own. A body that is a stream is read to its end first.
   */
  fetch: typeof globalThis.fetch;
}

/**
 * Creates a signer of HTTP requests by RFC 9421 with hmac-sha256; the key is the client's. Method, host, path, query and, by
 * its SHA-256, the body are signed, with a random nonce and the times from which and to which the signature holds. Needs the
 * package `http-message-signatures`, which is loaded when first used.
 *
 * @param client - the client whose key signs
 * @param options - see {@link SignerOptions}; copied
 * @returns the signer
 * @throws {TypeError | RangeError} `ERR_INVALID_ARG_VALUE`, at once: an option of a wrong type, name or range
 * @example
 * ```ts
 * import { hmacSigner } from 'goldkey/hmac';
 *
 * const { fetch } = hmacSigner(client);
 * const response = await fetch('https://api.example/orders', { method: 'POST', body: '{"metal":"XAU"}' });
 * ```
 */
export function hmacSigner(client: KeyedClient, options: SignerOptions = {}): HmacSigner {
  const clock = checkClient(client);
  const checked = checkSignerOptions(options);
  const sign = async (request: HmacRequest, context: KeyContext): Promise<SignatureHeaders> =>
    signRequest(request, context, checked, clock);
  return {
    sign: (request, call) => client.withKey((context) => sign(request, context), call),
    async fetch(input, init) {
      const given = new Request(input, init);
      const { method, url, headers, signal } = given;
      const body = given.body === null ? undefined : new Uint8Array(await raceAbort(given.arrayBuffer(), signal));
      return client.withKey(
        async (context) => {
          const signed = new Headers(headers);
          const added = await sign({ method, url, headers, body }, context);
          for (const [name, value = ''] of Object.entries(added)) signed.set(name, value);
          return globalThis.fetch(
            new Request(given, {
              headers: signed,
              signal: context.signal,
              redirect: given.redirect === 'follow' ? 'manual' : given.redirect,
              ...(body !== undefined && { body }),
            }),
          );
        },
        { signal },
      );
    },
  };
}

async function signRequest(
  request: HmacRequest,
  { bytes, version }: KeyContext,
  { components, expiresIn, label, tag, keyId }: CheckedSigner,
  clock: Clock,
): Promise<SignatureHeaders> {
  const { httpbis } = await loadSignatures();
  const { method, url, headers: given, body = '' } = checkRequest(request);
  const headers = toObject(given);
  const isDigested = body.length > 0 || components.includes(CONTENT_DIGEST);
  if (isDigested) headers[CONTENT_DIGEST] = [digestBody(body)];
  for (const component of components) {
    if (component.startsWith('@') || component === CONTENT_DIGEST || given.has(component)) continue;
    throw invalidType(`The request has no header \`${component}\`, which \`components\` lists.`);
  }
  delete headers['signature'];
  delete headers['signature-input'];
  const created = new Date(clock.now());
  const signed = await httpbis.signMessage(
    {
      key: { id: keyId ?? version, alg: ALGORITHM, sign: async (base) => computeMac(bytes, base) },
      name: label,
      fields: [...new Set([...components, ...(isDigested ? [CONTENT_DIGEST] : [])])],
      params: ['created', 'expires', 'nonce', 'keyid', 'alg', ...(tag === undefined ? [] : ['tag'])],
      paramValues: {
        created,
        expires: new Date(created.getTime() + expiresIn),
        nonce: createNonce(),
        ...(tag !== undefined && { tag }),
      },
    },
    { method, url, headers },
  );
  return {
    'signature-input': String(signed.headers['Signature-Input']),
    signature: String(signed.headers['Signature']),
    ...(isDigested && { [CONTENT_DIGEST]: String(headers[CONTENT_DIGEST]) }),
  };
}
