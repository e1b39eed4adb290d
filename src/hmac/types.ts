/** A request to sign, or whose signature is verified. */
export interface HmacRequest {
  /** The HTTP method, e.g. `GET`. */
  method: string;
  /**
   * The whole URL, as the client asked for it: behind a proxy with the host and the path that the client used. To verify,
   * your own origin and the path as it came, as text: `https://api.example` and Node.js's `request.url`. A URL object writes
   * some paths otherwise.
   */
  url: string | URL;
  /** The headers. Node.js's `request.headers`, a `Headers` or a plain object. */
  headers?: Headers | Record<string, string | string[] | undefined> | undefined;
  /** The body as it is sent, byte for byte: not parsed and written again. */
  body?: Uint8Array | string | undefined;
}

/** Options of {@link hmacSigner}. */
export interface SignerOptions {
  /**
   * The parts that are signed: derived components (`@method`, `@authority`, `@path`, `@query`, `@target-uri`, `@scheme`,
   * `@request-target`) and header names. Default `['@method', '@authority', '@path', '@query']`. `content-digest` is added
   * wherever there is a body.
   */
  components?: readonly string[] | undefined;
  /** Life of a signature, from 1_000 to 86_400_000 ms. Default 300_000. */
  expiresIn?: number | undefined;
  /** Name of the signature among others of the request. Default `goldkey`. */
  label?: string | undefined;
  /** Name of the use that the signature is for (RFC 9421, `tag`). Default: none. */
  tag?: string | undefined;
  /** Name of the key. Default: the key's version, by which a verifier finds it. */
  keyId?: string | undefined;
}

/** Headers of a signed request. */
export type SignatureHeaders = {
  /** The parts that were signed, and when. */
  'signature-input': string;
  /** The signature. */
  signature: string;
  /** SHA-256 of the body (RFC 9530), if there is one. */
  'content-digest'?: string | undefined;
};

/** Remembers messages, so that none is accepted twice. */
export interface ReplayStore {
  /**
   * Adds the id of a genuine message. Returns false if it was there before, or cannot be remembered: the message is refused.
   *
   * @param id - the id, at most 300 characters
   * @param expiresAt - epoch ms from which it may be forgotten
   */
  add(id: string, expiresAt: number): boolean | Promise<boolean>;
}

/** Options of {@link hmacVerifier}. */
export interface VerifierOptions {
  /** How far `created` may be from this clock, each way, from 1_000 to 86_400_000 ms. Default 300_000. */
  window?: number | undefined;
  /**
   * The parts that must be signed. Default `@method`, `@authority`, `@path` and `@query`, for which `@target-uri` also stands.
   * `content-digest` must be signed wherever there is a body.
   */
  required?: readonly string[] | undefined;
  /** Where messages are remembered; `false`: nowhere. Default: 100_000 of them in memory. */
  replay?: ReplayStore | false | undefined;
  /** Name of the signature that is verified. Others of the request are ignored. Default `goldkey`. */
  label?: string | undefined;
  /** The `tag` that the signature must have. Default: any. */
  tag?: string | undefined;
}

/** A signature that holds. */
export interface Verified {
  /** The name of the key, as the signer gave it. */
  keyId: string;
  /** Version of the key that made the signature. */
  version: string;
  /** Time of the signature, in epoch seconds, as RFC 9421 has it. */
  created: number;
  /** The random part that makes the message unique. */
  nonce: string;
  /** The parts that are signed. */
  components: readonly string[];
}
