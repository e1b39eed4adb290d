/**
 * goldkey: a metals-price API key that is stored encrypted, decrypted when needed, and repaired when refused.
 * `import { GoldDataClient, KeyedClient, isGoldKeyError } from 'goldkey'`
 *
 * @module
 */
export {
  CallTimeoutError,
  ClientClosedError,
  GoldDataClient,
  GoldKeyError,
  isGoldKeyError,
  KeyAccessDeniedError,
  KeyContext,
  KeyDecryptError,
  KeyedClient,
  KeyFormatError,
  KeyNotFoundError,
  KeyProviderError,
  KeyRejectedError,
  KeyTimeoutError,
  MissingPackageError,
} from './core/index.js';
export type {
  CallOptions,
  Clock,
  EncryptedKey,
  EncryptionContext,
  GoldDataClientOptions,
  GoldKeyErrorCode,
  GoldKeyErrorOptions,
  KeyCipher,
  KeyedClientOptions,
  KeyEventBase,
  KeyEvents,
  KeyProvider,
  KeyStatus,
  LiveKey,
  LoadedKey,
  LoadRequest,
  Outcome,
  RetryOptions,
  Rollout,
  Stage,
  UnchangedKey,
} from './core/index.js';
