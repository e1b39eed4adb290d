import { asUint8Array, describeType, invalidType, isGoldKeyError, KeyProviderError } from '../../core/index.js';

/** An option that holds a text or bytes, or a function that returns them. */
interface SourceOption {
  /** The option's name. */
  readonly name: string;
  /** Names the text in the error for a wrong type, e.g. `a string`. */
  readonly text: string;
  /** The store's name in errors. */
  readonly provider: string;
}

/** Checks the type of an option and returns a function that reads it anew for each load. */
export function createByteSource(given: unknown, { name, text, provider }: SourceOption): () => unknown {
  if (typeof given === 'function') {
    return async () => {
      try {
        return (await given()) as unknown;
      } catch (error) {
        if (isGoldKeyError(error)) throw error;
        // Retryable, so that a cached key can still serve.
        const message = `The \`${name}\` function failed; its error is the \`cause\`.`;
        throw new KeyProviderError(message, { cause: error, provider });
      }
    };
  }
  if (given === undefined || typeof given === 'string') return () => given;
  const bytes = asUint8Array(given);
  if (bytes !== undefined) {
    // Not `slice`, because that of a Buffer shares its memory.
    const copy = new Uint8Array(bytes);
    return () => copy;
  }
  throw invalidType(
    `\`${name}\` must be ${text}, a Uint8Array or a function that returns one, got ${describeType(given)}.`,
  );
}
