import { checkOptionNames, invalidRange, invalidType, describeType, type EncryptionContext } from '../../core/index.js';

/** AWS documents some 8 KB, separators included; longer ones are refused before they cost a request. */
const MAX_CONTEXT_BYTES = 8_192;

/** Pairs with this prefix are bindings that goldkey adds itself, such as `goldkey:ring`. */
const BINDING = 'goldkey:';

/** Copies an EncryptionContext, held to strings that survive UTF-8. Values are never shown: they may be anything. */
export function checkContext(name: string, context: unknown): EncryptionContext {
  if (context === undefined) {
    throw invalidType(`\`${name}\` is required; a ciphertext without context needs an explicit \`{}\`.`);
  }
  if (typeof context !== 'object' || context === null || Array.isArray(context)) {
    throw invalidType(`\`${name}\` must be an object of strings, got ${describeType(context)}.`);
  }
  const pairs = Object.entries(context);
  let size = 0;
  for (const [key, value] of pairs) {
    if (typeof value !== 'string') {
      throw invalidType(`\`${name}.${key}\` must be a string, got ${describeType(value)}.`);
    }
    if (!isWellFormed(key) || !isWellFormed(value)) {
      // Every lone surrogate becomes the same replacement character: two contexts would be one.
      throw invalidRange(`\`${name}\` must be well-formed Unicode; a key or value has half a surrogate pair.`);
    }
    size += Buffer.byteLength(key) + Buffer.byteLength(value) + 2;
  }
  if (size > MAX_CONTEXT_BYTES) {
    throw invalidRange(`\`${name}\` must be at most ${String(MAX_CONTEXT_BYTES)} bytes, got ${String(size)}.`);
  }
  return Object.freeze(Object.fromEntries(pairs) as Record<string, string>);
}

/** The context with the pairs of `bind` added; what is pinned is never overwritten. */
export function bindContext(context: EncryptionContext, bind: EncryptionContext | undefined): EncryptionContext {
  if (bind === undefined) return context;
  const checked = checkContext('bind', bind);
  for (const [key, value] of Object.entries(checked)) {
    if (Object.hasOwn(context, key) && context[key] !== value) {
      throw invalidRange(`\`bind.${key}\` must not change what \`encryptionContext\` says.`);
    }
  }
  return checkContext('encryptionContext', { ...context, ...checked });
}

/** Whether `stored` is the pinned context, give or take goldkey's own bindings: those are checked by decrypting. */
export function isPinnedContext(pinned: EncryptionContext, stored: EncryptionContext): boolean {
  return (
    Object.keys(pinned).every((key) => Object.hasOwn(stored, key) && stored[key] === pinned[key]) &&
    Object.keys(stored).every((key) => Object.hasOwn(pinned, key) || key.startsWith(BINDING))
  );
}

/** The context's keys for a message. Its values stay out. */
export function contextKeys(context: EncryptionContext): string {
  const keys = Object.keys(context);
  return keys.length === 0 ? 'none' : keys.map((key) => `\`${key}\``).join(', ');
}

/** A cipher's `encrypt` and `decrypt` options, checked. */
export function checkCipherCall(
  of: string,
  options: { bind?: EncryptionContext | undefined; signal?: AbortSignal | undefined },
): { bind: EncryptionContext | undefined; signal: AbortSignal | undefined } {
  checkOptionNames(of, options, ['bind', 'signal']);
  return { bind: options.bind, signal: options.signal };
}

function isWellFormed(text: string): boolean {
  return Buffer.from(text, 'utf8').toString('utf8') === text;
}
