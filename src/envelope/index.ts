/**
 * Payloads over 4,096 bytes under any cipher, as the AWS Encryption SDK writes them:
 * `import { envelope, fromEnvelope } from 'goldkey/envelope'`
 *
 * @module
 */
export { envelope } from './envelope.js';
export { fromEnvelope } from './from-envelope.js';
export type { Envelope, EnvelopeOptions, MessageOptions } from './envelope.js';
export type { FromEnvelopeOptions } from './from-envelope.js';
