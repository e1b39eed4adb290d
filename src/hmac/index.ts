/**
 * Signed requests (RFC 9421) and webhooks (Standard Webhooks) by HMAC: `import { hmacSigner, hmacVerifier } from 'goldkey/hmac'`.
 *
 * @module
 */
export {
  plainSigner,
  plainVerifier,
  type PlainHeaders,
  type PlainSigner,
  type PlainVerifier,
  type PlainVerifierOptions,
} from './plain.js';
export { SignatureError, type SignatureFault } from './signature-error.js';
export { hmacSigner, type HmacSigner } from './signer.js';
export type { HmacRequest, ReplayStore, SignatureHeaders, SignerOptions, Verified, VerifierOptions } from './types.js';
export { hmacVerifier, type HmacVerifier } from './verifier.js';
export {
  webhookSigner,
  webhookVerifier,
  type WebhookHeaders,
  type WebhookSigner,
  type WebhookVerifier,
  type WebhookVerifierOptions,
} from './webhooks.js';
