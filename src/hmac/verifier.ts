import { isGoldKeyError, type Clock, type KeyedClient } from '../core/index.js';
import { CONTENT_DIGEST, matchesDigest } from './digest.js';
import { pickMember, toObject, type HeaderValues } from './headers.js';
import { ALGORITHM, createMismatch, findSigner } from './mac.js';
import { checkNew, checkTime } from './message-age.js';
import { checkClient, checkVerifierOptions, type CheckedVerifier } from './options.js';
import { loadSignatures, type SignatureParameters } from './package.js';
import { checkReceived, type CheckedRequest } from './request.js';
import { SignatureError } from './signature-error.js';
import type { HmacRequest, Verified, VerifierOptions } from './types.js';

/** Longest `nonce` and `keyid`, in characters. */
const MAX_NONCE = 128;
const MAX_KEY_ID = 256;
/** Longest id of a message, in characters. */
const MAX_ID = 300;
/** `@target-uri` says all that these say. */
const OF_TARGET_URI: readonly string[] = ['@authority', '@path', '@query', '@scheme'];

type Parameters = Pick<Verified, 'created' | 'keyId' | 'nonce'>;

/** Verifies signed requests. */
export interface HmacVerifier {
  /**
   * Resolves to what is known of a request's signature, if it holds.
   *
   * @param request - the request as it came, with its body byte for byte
   * @throws {SignatureError} `ERR_GOLDKEY_SIGNATURE`: it does not hold; `reason` says why
   * @throws {GoldKeyError} when there is no key to verify with: the store's error, with its code
   * @throws {TypeError} `ERR_INVALID_ARG_VALUE`: `request` is no request
   */
  verify(request: HmacRequest): Promise<Verified>;
}

/**
 * Creates a verifier of HTTP requests that are signed by RFC 9421 with hmac-sha256. Every live key of the client counts:
 * current, a canary's and the previous one, so that a rotation refuses nobody. A signature must cover what {@link VerifierOptions}
 * requires and the body, be new by both clocks, and come once. Junk never makes the client ask its store. Needs the package
 * `http-message-signatures`, which is loaded when first used.
 *
 * @param client - the client whose keys verify
 * @param options - see {@link VerifierOptions}; copied
 * @returns the verifier
 * @throws {TypeError | RangeError} `ERR_INVALID_ARG_VALUE`, at once: an option of a wrong type, name or range
 * @example
 * ```ts
 * import { hmacSigner, hmacVerifier } from 'goldkey/hmac';
 *
 * const verifier = hmacVerifier(client);
 * const request = { method: 'POST', url: 'https://api.example/orders', body: '{"metal":"XAU"}' };
 * const headers = await hmacSigner(client).sign(request);
 * const { version } = await verifier.verify({ ...request, headers });
 * ```
 */
export function hmacVerifier(client: KeyedClient, options: VerifierOptions = {}): HmacVerifier {
  const clock = checkClient(client);
  const checked = checkVerifierOptions(options, clock);
  return {
    verify: async (request) => verifyRequest(client, checkReceived(request), checked, clock),
  };
}

async function verifyRequest(
  client: KeyedClient,
  request: CheckedRequest,
  options: CheckedVerifier,
  clock: Clock,
): Promise<Verified> {
  const { method, url, headers } = request;
  const ours = {
    'signature-input': pickMember(headers, 'signature-input', options.label),
    signature: pickMember(headers, 'signature', options.label),
  };
  const message = { method, url, headers: { ...toObject(headers), ...ours } };
  const { httpbis } = await loadSignatures();
  const components: string[] = [];
  let found: Omit<Verified, 'components'> | undefined;
  const verify = async (base: Buffer, mac: Buffer, parameters: Parameters): Promise<boolean> => {
    // One text only: base64 has several for the same bytes.
    if (ours.signature !== `${options.label}=:${mac.toString('base64')}:`) throw malformed('is not plain base64');
    found = { ...parameters, version: await findVersion(client, base, mac, parameters.keyId) };
    return true;
  };
  try {
    await httpbis.verifyMessage(
      {
        // Its own clock has faults: the times are checked with the client's.
        tolerance: Infinity,
        keyLookup: async (given) => {
          const parameters = checkParameters(given, options, clock);
          return { verify: (base, mac) => verify(base, mac, parameters) };
        },
        componentParser(name, parameters) {
          checkComponent(name, parameters, components, headers);
          components.push(name);
          return readWritten(name, request);
        },
      },
      message,
    );
  } catch (error) {
    // The package tells of what it cannot read in its own words, which quote the request.
    throw isGoldKeyError(error) ? error : malformed('cannot be read');
  }
  // It answers with null where it has verified nothing.
  if (found === undefined) throw malformed('cannot be read');
  checkCovered(components, request, options);
  await checkReplay(found, options);
  return { ...found, components };
}

/** Resolves to the version of the live key that made a signature. The one that it names is tried first. */
async function findVersion(client: KeyedClient, base: Buffer, mac: Buffer, keyId: string): Promise<string> {
  return client.withLiveKeys((keys) => {
    const named = keys.filter(({ version }) => version === keyId);
    const others = keys.filter(({ version }) => version !== keyId);
    const signer = findSigner([...named, ...others], base, mac);
    if (signer !== undefined) return signer.version;
    if (named.length > 0) throw createMismatch('request');
    const message = 'The key that the signature names is not live, and no live key has made it; was it rotated out?';
    throw new SignatureError('unknown-key', message);
  });
}

/** Returns the parameters of a signature that is complete and of this time. */
function checkParameters(given: SignatureParameters, options: CheckedVerifier, clock: Clock): Parameters {
  const { created: createdAt, expires, nonce, keyid: keyId, alg, tag } = given as Record<string, unknown>;
  const created = createdAt instanceof Date ? createdAt.getTime() / 1_000 : NaN;
  if (!Number.isInteger(created)) throw malformed('has no `created`');
  if (typeof expires !== 'number' || !Number.isInteger(expires)) throw malformed('has no `expires`');
  if (typeof nonce !== 'string' || nonce === '' || nonce.length > MAX_NONCE) throw malformed('has no usable `nonce`');
  if (typeof keyId !== 'string' || keyId === '' || keyId.length > MAX_KEY_ID) throw malformed('has no usable `keyid`');
  // Never what the sender says: the key decides what it is for.
  if (alg !== ALGORITHM) throw malformed(`is not of the algorithm ${ALGORITHM}`);
  if (options.tag !== undefined && tag !== options.tag) throw malformed('is not for this use (`tag`)');
  checkTime(created * 1_000, options.window, clock);
  if (expires * 1_000 <= clock.now())
    throw new SignatureError('expired', 'The signature has expired; sign the request anew.');
  return { created, keyId, nonce };
}

/** Checks a component as it is read: each stands once, is one header, and has no parameter that changes its meaning. */
function checkComponent(
  name: string,
  parameters: ReadonlyMap<string, unknown>,
  components: readonly string[],
  headers: HeaderValues,
): void {
  if (parameters.size > 0) throw malformed('covers a component with parameters, which are not supported');
  if (components.includes(name)) throw malformed('covers a component twice');
  if ((headers.get(name)?.length ?? 0) > 1) throw malformed('covers a header that came twice');
}

/** Returns the value of a component that must be as it is written in the request; `null` for all others. */
function readWritten(name: string, { url, path, query }: CheckedRequest): string[] | null {
  if (name === '@path') return [path];
  if (name === '@query') return [query || '?'];
  if (name === '@request-target') return [`${path}${query}`];
  const { protocol, host } = new URL(url);
  return name === '@target-uri' ? [`${protocol}//${host}${path}${query}`] : null;
}

/** Checks that all that must be signed is, and that the body is the one that was signed. */
function checkCovered(components: readonly string[], request: CheckedRequest, options: CheckedVerifier): void {
  const { body = '', headers } = request;
  const isCovered = (name: string): boolean =>
    components.includes(name) || (OF_TARGET_URI.includes(name) && components.includes('@target-uri'));
  const required = body.length > 0 ? [...options.required, CONTENT_DIGEST] : options.required;
  const missing = required.find((name) => !isCovered(name));
  if (missing !== undefined) throw new SignatureError('uncovered', `The signature does not cover \`${missing}\`.`);
  if (!components.includes(CONTENT_DIGEST)) return;
  if (!matchesDigest(headers.get(CONTENT_DIGEST)?.[0] ?? '', body))
    throw new SignatureError(
      'digest',
      'The body is not the one that was signed; give it as it was sent, byte for byte.',
    );
}

async function checkReplay({ keyId, nonce, created }: Parameters, options: CheckedVerifier): Promise<void> {
  const id = `${keyId} ${nonce}`;
  if (id.length > MAX_ID) throw malformed('has a `nonce` and `keyid` that are too long');
  await checkNew(id, created * 1_000, options);
}

function malformed(problem: string): SignatureError {
  return new SignatureError('malformed', `The signature ${problem}.`);
}
