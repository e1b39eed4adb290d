import { nodeTypes } from '../util/node-builtins.js';
import { tryOrUndefined } from '../util/safe-access.js';
import type { SearchBudget } from './search-budget.js';
import { NOT_SEARCHED, type SecretMatcher } from './secret-matcher.js';

/** Smallest integer that may be a key: it has eight digits. */
const MIN_NUMBER_KEY = 10_000_000;

/** Returns a primitive without keys, within the rest of the budget. */
export function cleanPrimitive(value: unknown, text: SecretMatcher, budget: SearchBudget): unknown {
  const shown = readText(value);
  if (shown === undefined) return value;
  if (!budget.takeText(shown.length)) return NOT_SEARCHED;
  const clean = text.redact(shown);
  if (clean === shown) return value;
  return typeof value === 'symbol' ? Symbol(clean) : clean;
}

/** Returns the text of a primitive that may show a key. A key of digits may come back as a number. */
function readText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'symbol') return value.description;
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'number' || (Number.isInteger(value) && Math.abs(value) < MIN_NUMBER_KEY)) return undefined;
  return String(value);
}

/** Returns the text of a primitive in an object, of a RegExp or a URL: what is printed of it, whatever its own methods say. */
export function readHeldText(value: object): string {
  const types = nodeTypes();
  if (types.isRegExp(value)) return RegExp.prototype.toString.call(value);
  if (types.isStringObject(value)) return String.prototype.toString.call(value);
  if (types.isBoxedPrimitive(value)) return String(value);
  // Other packages have a URL of their own.
  return tryOrUndefined(() => Reflect.get(URL.prototype, 'href', value) as string) ?? String(value);
}

/** Returns the pairs of a Headers or URLSearchParams. */
export function readPairs(value: object): Iterable<[string, string]> {
  return tryOrUndefined(() => URLSearchParams.prototype.entries.call(value)) ?? (value as Iterable<[string, string]>);
}
