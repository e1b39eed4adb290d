import type { EncryptionContext, KeyCipher, KeyProvider } from 'goldkey';

export interface Envelope {
  encrypt(data: Uint8Array | string, options?: MessageOptions): Promise<Uint8Array>;
  decrypt(message: Uint8Array, options?: MessageOptions): Promise<Uint8Array>;
  encryptStream(options?: Pick<MessageOptions, 'bind'>): NodeJS.ReadWriteStream;
  decryptStream(options?: Pick<MessageOptions, 'bind'>): NodeJS.ReadWriteStream;
}

export interface EnvelopeOptions {
  cipher: KeyCipher | readonly KeyCipher[];
  signed?: boolean | undefined;
  frameLength?: number | undefined;
  maxPlaintext?: number | undefined;
}

export interface FromEnvelopeOptions {
  message: Uint8Array | string | (() => Uint8Array | string | Promise<Uint8Array | string>) | undefined;
  cipher: KeyCipher | readonly KeyCipher[];
  field?: string | undefined;
  bind?: EncryptionContext | undefined;
}

export interface MessageOptions {
  bind?: EncryptionContext | undefined;
  signal?: AbortSignal | undefined;
}

export declare function envelope(options: EnvelopeOptions): Envelope;

export declare function fromEnvelope(options: FromEnvelopeOptions): KeyProvider;
