import {
  describeType,
  invalidRange,
  invalidType,
  isPlainObject,
  quote,
  type EncryptionContext,
} from '../../core/index.js';

/** The limit that AWS documents, separators included. Checked here, so that a longer one costs no request. */
const MAX_CONTEXT_BYTES = 8_192;

/** The prefix of pairs that goldkey adds itself, such as `goldkey:ring`. */
const BINDING_PREFIX = 'goldkey:';

/**
 * Checks an EncryptionContext, named `name` in errors, and returns a frozen copy. Only a plain object of strings is taken: a
 * promise, a Map or an instance of a class has no own pairs, and would bind a ciphertext to nothing. Errors never show its
 * values, which may be secret.
 */
export function checkContext(name: string, context: unknown): EncryptionContext {
  if (context === undefined) {
    throw invalidType(`\`${name}\` is required; a ciphertext without context needs an explicit \`{}\`.`);
  }
  if (!isPlainObject(context)) {
    throw invalidType(`\`${name}\` must be a plain object of strings, got ${describeType(context)}.`);
  }
  const pairs: [string, string][] = [];
  let size = 0;
  for (const key of Reflect.ownKeys(context)) {
    if (typeof key === 'symbol') throw invalidType(`\`${name}\` must have strings as keys, got a symbol.`);
    const { value, get, set, enumerable } = Object.getOwnPropertyDescriptor(context, key) ?? {};
    if (typeof value !== 'string' || enumerable !== true) {
      const given = (get ?? set) ? 'a getter' : enumerable === true ? describeType(value) : 'a hidden property';
      throw invalidType(`${quote(key, `${name}.`)} must be a string, got ${given}.`);
    }
    pairs.push([key, value]);
    if (!isWellFormed(key) || !isWellFormed(value)) {
      // UTF-8 replaces every lone surrogate by the same character, which would make two contexts equal.
      throw invalidRange(`\`${name}\` must be well-formed Unicode; a key or value has a lone surrogate.`);
    }
    size += Buffer.byteLength(key) + Buffer.byteLength(value) + 2;
  }
  if (size > MAX_CONTEXT_BYTES) {
    throw invalidRange(`\`${name}\` must be at most ${String(MAX_CONTEXT_BYTES)} bytes, got ${String(size)}.`);
  }
  return Object.freeze(Object.fromEntries(pairs) as Record<string, string>);
}

/** Returns the context with the pairs of `bind` added. Throws if `bind` would change a pinned pair. */
export function bindContext(context: EncryptionContext, bind: EncryptionContext | undefined): EncryptionContext {
  if (bind === undefined) return context;
  const checked = checkContext('bind', bind);
  for (const [key, value] of Object.entries(checked)) {
    if (Object.hasOwn(context, key) && context[key] !== value) {
      throw invalidRange(`${quote(key, 'bind.')} must not change what \`encryptionContext\` says.`);
    }
  }
  return checkContext('encryptionContext', { ...context, ...checked });
}

/** Returns whether `stored` is the pinned context, apart from goldkey's bindings, which decrypting checks. */
export function isPinnedContext(pinned: EncryptionContext, stored: EncryptionContext): boolean {
  return (
    Object.keys(pinned).every((key) => Object.hasOwn(stored, key) && stored[key] === pinned[key]) &&
    Object.keys(stored).every((key) => Object.hasOwn(pinned, key) || key.startsWith(BINDING_PREFIX))
  );
}

/** Returns the context's keys, without its values, for a message. */
export function contextKeys(context: EncryptionContext): string {
  const keys = Object.keys(context);
  return keys.length === 0 ? 'none' : keys.map((key) => quote(key)).join(', ');
}

function isWellFormed(text: string): boolean {
  return Buffer.from(text, 'utf8').toString('utf8') === text;
}
