import { checkString, invalidRange, KeyFormatError, type GoldKeyErrorOptions } from '../core/index.js';

/** Checks the required name or ARN of a secret. An ARN must belong to `service`. */
export function checkSecretName(option: string, value: unknown, service: string): string {
  const name = checkString(option, value);
  if (name.startsWith('arn:') && name.split(':')[2] !== service) {
    throw invalidRange(`\`${option}\` must be a name or an ARN of ${service}; this ARN is of another service.`);
  }
  return name;
}

/** Returns the UTF-8 bytes of a key, or `undefined` if it is empty. The SDK's string itself cannot be zeroed. */
export function encodeSecretText(text: string, maxBytes: number, about: GoldKeyErrorOptions): Uint8Array | undefined {
  if (text === '') return undefined;
  // Before the text is copied: a stand-in for the service may send megabytes.
  checkSecretSize(Buffer.byteLength(text), maxBytes, about);
  return new TextEncoder().encode(text);
}

/** Throws if a key has more bytes than its service can store. */
export function checkSecretSize(bytes: number, maxBytes: number, about: GoldKeyErrorOptions): void {
  if (bytes <= maxBytes) return;
  throw new KeyFormatError(
    `The key has ${String(bytes)} bytes; at most ${String(maxBytes)} were expected, which is all that the service stores.`,
    about,
  );
}
