import {
  asUint8Array,
  checkOptionalString,
  checkOptionNames,
  copyBytes,
  deriveCiphertextVersion,
  describeType,
  KeyFormatError,
  KeyNotFoundError,
  quote,
  raceAbort,
  type EncryptionContext,
  type KeyCipher,
  type KeyProvider,
} from '../core/index.js';
import { createByteSource } from '../providers/shared/byte-source.js';
import { parseDocument, refuseDocument } from '../providers/shared/document.js';
import { bindContext } from '../providers/shared/encryption-context.js';
import { decodeBase64 } from '../util/base64.js';
import { closeAll } from '../util/close-all.js';
import { ENVELOPE } from './encryption-sdk.js';
import { envelope } from './envelope.js';

/** Options of {@link fromEnvelope}. */
export interface FromEnvelopeOptions {
  /**
   * The message: bytes, base64 (white space around it is ignored), or a function that every load calls, so that a rejected
   * key can be read anew.
   */
  message: Uint8Array | string | (() => Uint8Array | string | Promise<Uint8Array | string>) | undefined;
  /** The cipher of the data key, or several while you move. Closed with the last client that uses the store. Required. */
  cipher: KeyCipher | readonly KeyCipher[];
  /** The field of the JSON object that holds the key. Default: the whole plaintext is the key. */
  field?: string | undefined;
  /** The pairs that the message was bound to, beside the cipher's. Default: none. */
  bind?: EncryptionContext | undefined;
}

/**
 * Creates a key store over one message that {@link envelope} has encrypted: a JSON object of many keys, of which `field`
 * names one, or a single key. It has a `current` key only. A message with or without a signature will do.
 *
 * @param options - the message, the cipher and the field; copied
 * @returns a key store for `keyProvider`
 * @throws {TypeError | RangeError} `ERR_INVALID_ARG_VALUE`, at once: an option is unknown or has a wrong type
 * @throws {KeyNotFoundError} `ERR_GOLDKEY_NOT_FOUND`, by a load: no message (an unset variable)
 * @throws {KeyFormatError} `ERR_GOLDKEY_FORMAT`, by a load: not base64, or no such field
 * @throws {KeyDecryptError} `ERR_GOLDKEY_DECRYPT`, by a load: a damaged message, another context, or an unknown key
 *
 * @example
 * ```ts
 * import { fromEnvelope } from 'goldkey/envelope';
 * import { kmsCipher } from 'goldkey/kms';
 *
 * const keyProvider = fromEnvelope({
 *   message: process.env.PRICE_API_KEYS,
 *   cipher: kmsCipher({ keyId: 'alias/gold-api-keys', encryptionContext: { service: 'gold-data-stream' } }),
 *   field: 'metalsApi',
 * });
 * ```
 */
export function fromEnvelope(options: FromEnvelopeOptions): KeyProvider {
  checkOptionNames('fromEnvelope', options, ['message', 'cipher', 'field', 'bind']);
  const readMessage = createByteSource(options.message, { name: 'message', text: 'base64', provider: ENVELOPE });
  const field = checkOptionalString('field', options.field);
  const bind = options.bind === undefined ? undefined : bindContext({}, options.bind);
  // Both kinds of message: the writer may have chosen either.
  const opener = envelope({ cipher: options.cipher, signed: false });
  const ciphers = [options.cipher].flat() as KeyCipher[];
  return {
    name: ENVELOPE,
    async load({ stage, signal }) {
      signal.throwIfAborted();
      if (stage !== 'current') return undefined;
      const message = decodeMessage(await raceAbort(Promise.resolve(readMessage()), signal));
      const version = deriveCiphertextVersion(message);
      const plaintext = await opener.decrypt(message, { bind, signal });
      try {
        return { bytes: readKey(plaintext, field, version), version };
      } finally {
        plaintext.fill(0);
      }
    },
    close: () => closeAll(ciphers),
  };
}

/** Returns the bytes of a message. No error shows it: it may be a key, pasted by mistake. */
function decodeMessage(message: unknown): Uint8Array {
  if (message === undefined || message === null || message === '') {
    throw new KeyNotFoundError(
      'There is no message: `message` is undefined or empty; if it is read from an environment variable, that variable may be unset.',
      { provider: ENVELOPE },
    );
  }
  const bytes = typeof message === 'string' ? decodeBase64(message.trim()) : asUint8Array(message);
  if (bytes !== undefined) return bytes;
  const given = typeof message === 'string' ? 'another text' : describeType(message);
  throw new KeyFormatError(`\`message\` must be base64 or a Uint8Array, got ${given}.`, { provider: ENVELOPE });
}

/** Returns a copy of the key in a plaintext. */
function readKey(plaintext: Uint8Array, field: string | undefined, version: string): Uint8Array {
  const about = { provider: ENVELOPE, version };
  if (field === undefined) {
    return refuseDocument(copyBytes(plaintext), 'The plaintext', about, 'set `field` to the name of the key in it');
  }
  const document = parseDocument(Buffer.from(plaintext.buffer, plaintext.byteOffset, plaintext.length).toString());
  const value: unknown =
    document !== undefined && Object.hasOwn(document, field) ? (document as Record<string, unknown>)[field] : undefined;
  if (typeof value === 'string') return copyBytes(Buffer.from(value));
  throw new KeyFormatError(
    `The plaintext is no JSON object with a text in its field ${quote(field)}; check \`field\`.`,
    about,
  );
}
