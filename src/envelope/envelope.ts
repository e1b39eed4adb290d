import {
  allocateBytes,
  asUint8Array,
  checkBoolean,
  checkInteger,
  checkOptionNames,
  checkSignal,
  copyBytes,
  describeType,
  invalidRange,
  invalidType,
  isGoldKeyError,
  isPlainObject,
  KeyDecryptError,
  KeyFormatError,
  raceAbort,
  type EncryptionContext,
  type KeyCipher,
} from '../core/index.js';
import { loadEncryptionSdk } from './encryption-sdk.js';
import { createFrameCheck } from './frames.js';
import { createKeyring, messageContext, RESERVED_PREFIX, type MessageKeyring } from './keyring.js';
import { createDuplex, endInsteadOfDestroy, passThrough, splitBytes } from './streams.js';

/** Options of {@link envelope}. */
export interface EnvelopeOptions {
  /** The cipher of the data keys. The first of several encrypts; any of them decrypts, while you move. Required. */
  cipher: KeyCipher | readonly KeyCipher[];
  /**
   * Whether messages are signed (ECDSA P-384), which shows that whoever can only decrypt did not write them. A message
   * without a signature then fails. Default true. With false, streams release plaintext as it comes.
   */
  signed?: boolean | undefined;
  /** Length in bytes of a frame, the part that is authenticated at once: 1 to 16,777,216. Default 65,536. */
  frameLength?: number | undefined;
  /**
   * The longest plaintext in bytes that is held in memory, 1 to 1,073,741,824: all of it, but for the streams of unsigned
   * messages, which hold a frame. Default 67,108,864 (64 MiB).
   */
  maxPlaintext?: number | undefined;
}

/** Options of one message. */
export interface MessageOptions {
  /** Pairs to add to the cipher's context, e.g. `{ tenant: 'a' }`. Decrypting needs the same. They are not secret. */
  bind?: EncryptionContext | undefined;
  /** Ends the call. */
  signal?: AbortSignal | undefined;
}

/** Encrypts and decrypts messages of the AWS Encryption SDK. */
export interface Envelope {
  /** Encrypts bytes, or a text as UTF-8, of any length up to `maxPlaintext`. Takes one request to the key service. */
  encrypt(data: Uint8Array | string, options?: MessageOptions): Promise<Uint8Array>;
  /** Resolves to the plaintext, in an array that the caller zeroes. */
  decrypt(message: Uint8Array, options?: MessageOptions): Promise<Uint8Array>;
  /** Returns a stream that takes plaintext of any length and gives the message. */
  encryptStream(options?: Pick<MessageOptions, 'bind'>): NodeJS.ReadWriteStream;
  /**
   * Returns a stream that takes a message and gives the plaintext. That of a signed message is held until the signature
   * has been checked; that of an unsigned one is given frame by frame, and may end with an error.
   */
  decryptStream(options?: Pick<MessageOptions, 'bind'>): NodeJS.ReadWriteStream;
}

const MAX_FRAME_LENGTH = 16_777_216;
const MAX_MAX_PLAINTEXT = 1_073_741_824;

/**
 * Creates an envelope: payloads of any length under a data key of their own, which a cipher encrypts. The format is that of
 * the AWS Encryption SDK (version 2, with key commitment), which Python, Java and others read. A message has at most five
 * encrypted data keys.
 *
 * All methods fail as the cipher does. `encrypt` and `decrypt` throw a `TypeError` or `RangeError`
 * (`ERR_INVALID_ARG_VALUE`) for wrong arguments.
 *
 * @param options - the cipher, and how messages look; copied
 * @throws {TypeError | RangeError} `ERR_INVALID_ARG_VALUE`, at once: an option is unknown, or has a wrong type or value
 * @throws {KeyFormatError} `ERR_GOLDKEY_FORMAT`, by the methods: over `maxPlaintext`
 * @throws {KeyDecryptError} `ERR_GOLDKEY_DECRYPT`, by decrypting: a damaged message, another context, or an unknown key
 * @throws {KeyProviderError} `ERR_GOLDKEY_PROVIDER`, by the methods: the cipher answers with what is no key, or no ciphertext
 * @throws {MissingPackageError} `ERR_GOLDKEY_MISSING_PACKAGE`, by the methods: the SDK's packages are not installed
 *
 * @example
 * ```ts
 * import { envelope } from 'goldkey/envelope';
 * import { kmsCipher } from 'goldkey/kms';
 *
 * const sealed = envelope({
 *   cipher: kmsCipher({ keyId: 'alias/gold-api-keys', encryptionContext: { service: 'gold-data-stream' } }),
 * });
 * const message = await sealed.encrypt(JSON.stringify({ metalsApi: apiKey }), { bind: { tenant: 'a' } });
 * ```
 */
export function envelope(options: EnvelopeOptions): Envelope {
  checkOptionNames('envelope', options, ['cipher', 'signed', 'frameLength', 'maxPlaintext']);
  const settings = {
    ciphers: checkCiphers(options.cipher),
    signed: checkBoolean('signed', options.signed, true),
    frameLength: checkInteger('frameLength', options.frameLength, 65_536, 1, MAX_FRAME_LENGTH),
    maxPlaintext: checkInteger('maxPlaintext', options.maxPlaintext, 67_108_864, 1, MAX_MAX_PLAINTEXT),
  };
  return {
    async encrypt(data, messageOptions) {
      const order = checkOrder('encrypt', settings, messageOptions);
      const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : asUint8Array(data);
      if (bytes === undefined) {
        throw invalidType(`\`data\` must be a string or a Uint8Array, got ${describeType(data)}.`);
      }
      if (bytes.length > settings.maxPlaintext) {
        throw new KeyFormatError(
          `\`data\` has more than ${String(settings.maxPlaintext)} bytes; raise \`maxPlaintext\`, or use \`encryptStream\`.`,
          { provider: settings.ciphers[0].name },
        );
      }
      const plaintext = typeof data === 'string' ? bytes : copyBytes(bytes);
      try {
        return await collect(encryptPieces(order, [plaintext]), order.signal, false);
      } finally {
        plaintext.fill(0);
      }
    },
    async decrypt(message, messageOptions) {
      const order = checkOrder('decrypt', settings, messageOptions);
      const bytes = asUint8Array(message);
      if (bytes === undefined) throw invalidType(`\`message\` must be a Uint8Array, got ${describeType(message)}.`);
      return await collect(decryptPieces(order, [bytes], true), order.signal, true);
    },
    encryptStream(messageOptions) {
      const order = checkOrder('encryptStream', settings, messageOptions, ['bind']);
      return createDuplex((source, signal) => encryptPieces({ ...order, signal }, source));
    },
    decryptStream(messageOptions) {
      const order = checkOrder('decryptStream', settings, messageOptions, ['bind']);
      return createDuplex((source, signal) => decryptPieces({ ...order, signal }, source, false));
    },
  };
}

interface Settings {
  readonly ciphers: readonly [KeyCipher, ...KeyCipher[]];
  readonly signed: boolean;
  readonly frameLength: number;
  readonly maxPlaintext: number;
}

interface Order extends MessageOptions, Settings {
  readonly bind: EncryptionContext | undefined;
  readonly signal: AbortSignal | undefined;
}

type Source = Iterable<Uint8Array> | AsyncIterable<unknown>;

function checkCiphers(given: unknown): [KeyCipher, ...KeyCipher[]] {
  const ciphers = [given].flat() as Partial<KeyCipher | null>[];
  if (ciphers.length === 0) throw invalidType('`cipher` must not be empty.');
  for (const cipher of ciphers) {
    const { name, encryptionContext, accepts, encrypt, decrypt } = cipher ?? {};
    const isWhole = [accepts, encrypt, decrypt].every((method) => typeof method === 'function');
    if (isWhole && typeof name === 'string' && name !== '' && isPlainObject(encryptionContext)) continue;
    throw invalidType(
      `\`cipher\` must be a KeyCipher, such as kmsCipher(…) or localCipher(…), got ${describeType(cipher)}.`,
    );
  }
  return ciphers as [KeyCipher, ...KeyCipher[]];
}

function checkOrder(
  method: string,
  settings: Settings,
  options: MessageOptions = {},
  names: readonly string[] = ['bind', 'signal'],
): Order {
  checkOptionNames(method, options, names);
  const { bind, signal } = options;
  checkSignal(signal);
  signal?.throwIfAborted();
  const contexts = settings.ciphers.map((cipher) => messageContext(cipher, bind));
  if (contexts.some((context) => Object.keys(context).some((key) => key.startsWith(RESERVED_PREFIX)))) {
    throw invalidRange(`\`encryptionContext\` and \`bind\` must have no key that starts with '${RESERVED_PREFIX}'.`);
  }
  return { ...settings, bind: bind && { ...bind }, signal };
}

async function* encryptPieces(order: Order, source: Source): AsyncGenerator<Uint8Array> {
  const sdk = await loadEncryptionSdk();
  const { AlgorithmSuiteIdentifier: suites } = sdk.materials;
  const keyring = createKeyring(sdk, { ...order, mustBeSigned: false });
  try {
    const stream = sdk.encryptStream(keyring.keyring, {
      suiteId: order.signed
        ? suites.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY_ECDSA_P384
        : suites.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY,
      frameLength: order.frameLength,
      encryptionContext: { ...messageContext(order.ciphers[0], order.bind) },
    });
    endInsteadOfDestroy(stream);
    // It still encrypts when nobody reads any more.
    stream.once('end', keyring.dispose).once('error', keyring.dispose);
    yield* passThrough(stream, splitBytes(source), order.signal);
  } catch (error) {
    throw keyring.getFailure() ?? error;
  }
}

/** Decrypts. `isWhole` says that `maxPlaintext` holds for an unsigned message too. */
async function* decryptPieces(order: Order, source: Source, isWhole: boolean): AsyncGenerator<Uint8Array> {
  const sdk = await loadEncryptionSdk();
  const keyring = createKeyring(sdk, { ...order, mustBeSigned: order.signed });
  const held: Uint8Array[] = [];
  const { maxPlaintext, ciphers } = order;
  const check = createFrameCheck({ maxPlaintext, isWhole, provider: ciphers[0].name });
  try {
    const stream = sdk.decryptStream(keyring.keyring);
    for await (const piece of passThrough(stream, splitBytes(source, check), order.signal)) {
      if (keyring.isSigned()) held.push(piece);
      else yield piece;
    }
    while (held.length > 0) yield held.shift() as Uint8Array;
  } catch (error) {
    throw explainFailure(error, keyring, order);
  } finally {
    held.forEach((piece) => piece.fill(0));
    keyring.dispose();
  }
}

function explainFailure(error: unknown, keyring: MessageKeyring, { ciphers, signal }: Order): unknown {
  const failure = keyring.getFailure();
  if (failure !== undefined) return failure;
  const isOwn = isGoldKeyError(error) || (error as { code?: unknown }).code === 'ERR_INVALID_ARG_VALUE';
  if (isOwn || signal?.aborted === true || (error as { name?: unknown }).name === 'AbortError') return error;
  return new KeyDecryptError(
    'The message could not be decrypted: it is damaged, cut short or followed by other bytes, or it is no message of the AWS Encryption SDK with key commitment.',
    { provider: ciphers[0].name, cause: error },
  );
}

/** Joins the pieces; `isSecret` zeroes them. */
async function collect(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
  isSecret: boolean,
): Promise<Uint8Array> {
  const join = async (): Promise<Uint8Array> => {
    const pieces: Uint8Array[] = [];
    try {
      let length = 0;
      for await (const piece of source) {
        pieces.push(piece);
        length += piece.length;
      }
      const joined = allocateBytes(length);
      let at = 0;
      for (const piece of pieces) {
        joined.set(piece, at);
        at += piece.length;
      }
      return joined;
    } finally {
      if (isSecret) pieces.forEach((piece) => piece.fill(0));
    }
  };
  return await raceAbort(join(), signal, (late) => late.fill(0));
}
