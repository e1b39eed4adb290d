import {
  invalidRange,
  invalidType,
  KeyFormatError,
  checkOptionalString,
  type GoldKeyErrorOptions,
} from '../core/index.js';

/** The name or ARN of a secret, required; an ARN must be one of `service`. */
export function requiredName(option: string, value: unknown, service: string): string {
  const name = checkOptionalString(option, value);
  if (name === undefined) throw invalidType(`\`${option}\` is required.`);
  if (name.startsWith('arn:') && name.split(':')[2] !== service) {
    throw invalidRange(`\`${option}\` must be a name or an ARN of ${service}; this ARN is of another service.`);
  }
  return name;
}

/**
 * The bytes of a key that a service handed over as text, `undefined` when there is no text in it. The text itself is the
 * SDK's: a string cannot be zeroed.
 */
export function bytesOfText(text: string, maxBytes: number, about: GoldKeyErrorOptions): Uint8Array | undefined {
  if (text === '') return undefined;
  // Counted before it is copied: a stand-in may hand over megabytes.
  checkSize(Buffer.byteLength(text), maxBytes, about);
  return new TextEncoder().encode(text);
}

/** Holds a key to what its service can store at all. */
export function checkSize(bytes: number, maxBytes: number, about: GoldKeyErrorOptions): void {
  if (bytes <= maxBytes) return;
  throw new KeyFormatError(
    `The key has ${String(bytes)} bytes; at most ${String(maxBytes)} were expected, which is all that the service stores.`,
    about,
  );
}
