import type { CallOptions, GoldKeyError, GoldKeyErrorCode, GoldKeyErrorOptions, KeyedClient } from 'goldkey';

export interface HmacRequest {
  method: string;
  url: string | URL;
  headers?: Headers | Record<string, string | string[] | undefined> | undefined;
  body?: Uint8Array | string | undefined;
}

export interface HmacSigner {
  sign(request: HmacRequest, call?: CallOptions): Promise<SignatureHeaders>;
  fetch: typeof globalThis.fetch;
}

export interface HmacVerifier {
  verify(request: HmacRequest): Promise<Verified>;
}

export type PlainHeaders = {
  'x-timestamp': string;
  'x-nonce': string;
  'x-signature': string;
};

export interface PlainSigner {
  sign(request: HmacRequest, call?: CallOptions): Promise<PlainHeaders>;
}

export interface PlainVerifier {
  verify(request: HmacRequest): Promise<{
    timestamp: number;
    nonce: string;
    version: string;
  }>;
}

export interface PlainVerifierOptions {
  window?: number | undefined;
  replay?: ReplayStore | false | undefined;
}

export interface ReplayStore {
  add(id: string, expiresAt: number): boolean | Promise<boolean>;
}

export declare class SignatureError extends GoldKeyError {
  static readonly code: GoldKeyErrorCode;
  readonly reason: SignatureFault;
  constructor(reason: SignatureFault, message: string, options?: GoldKeyErrorOptions);
}

export type SignatureFault =
  | 'missing'
  | 'malformed'
  | 'expired'
  | 'not-yet-valid'
  | 'replayed'
  | 'uncovered'
  | 'digest'
  | 'mismatch'
  | 'unknown-key';

export type SignatureHeaders = {
  'signature-input': string;
  signature: string;
  'content-digest'?: string | undefined;
};

export interface SignerOptions {
  components?: readonly string[] | undefined;
  expiresIn?: number | undefined;
  label?: string | undefined;
  tag?: string | undefined;
  keyId?: string | undefined;
}

export interface Verified {
  keyId: string;
  version: string;
  created: number;
  nonce: string;
  components: readonly string[];
}

export interface VerifierOptions {
  window?: number | undefined;
  required?: readonly string[] | undefined;
  replay?: ReplayStore | false | undefined;
  label?: string | undefined;
  tag?: string | undefined;
}

export type WebhookHeaders = {
  'webhook-id': string;
  'webhook-timestamp': string;
  'webhook-signature': string;
};

export interface WebhookSigner {
  sign(message: { id: string; timestamp?: number | undefined; body: Uint8Array | string }): Promise<WebhookHeaders>;
}

export interface WebhookVerifier {
  verify(request: { headers: NonNullable<HmacRequest['headers']>; body: Uint8Array | string }): Promise<{
    id: string;
    timestamp: number;
    version: string;
  }>;
}

export interface WebhookVerifierOptions {
  window?: number | undefined;
  replay?: ReplayStore | false | undefined;
}

export declare function hmacSigner(client: KeyedClient, options?: SignerOptions): HmacSigner;

export declare function hmacVerifier(client: KeyedClient, options?: VerifierOptions): HmacVerifier;

export declare function plainSigner(client: KeyedClient): PlainSigner;

export declare function plainVerifier(client: KeyedClient, options?: PlainVerifierOptions): PlainVerifier;

export declare function webhookSigner(client: KeyedClient): WebhookSigner;

export declare function webhookVerifier(client: KeyedClient, options?: WebhookVerifierOptions): WebhookVerifier;
