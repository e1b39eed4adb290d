import { inspect } from 'node:util';
import { isGoldKeyError } from '../../../src/core/index.js';
import { encoders, encodingFound } from '../../core/redaction/encodings.js';

/** The invented key of every target, with characters that each encoding writes in its own way. */
export const KEY = 'sk"fuzz/+&=0123456789';

const BYTES = Buffer.from(KEY);
const LIST = [...BYTES].join(',');

/** The encodings of the key, by the name that an input has for them. */
const ENCODINGS: ReadonlyMap<string, string> = new Map([
  ...Object.entries(encoders).map(([name, encode]) => [name, encode(KEY)] as const),
  ['list', `[${LIST}]`],
  ['escaped', [...BYTES].map((byte) => `\\u${byte.toString(16).padStart(4, '0')}`).join('')],
]);

/** The words with which inputs name the key. */
export const KEY_WORDS: readonly string[] = ['{{key}}', ...Array.from(ENCODINGS.keys(), (name) => `{{key:${name}}}`)];

/** Returns an input as text, with the key where it names it. The corpus itself holds no key, not even an invented one. */
export function readText(input: Uint8Array): string {
  return putKey(Buffer.from(input).toString('utf8'));
}

/** Returns `text` with the key in place of `{{key}}`, and an encoding of it in place of `{{key:hex}}` and so on. */
export function putKey(text: string): string {
  return text.replaceAll(/\{\{key(?::([^}]*))?\}\}/g, (whole, name = 'raw') => ENCODINGS.get(name as string) ?? whole);
}

/** Returns the way in which a text shows the key, if it does. It is decoded: no code in common with what is tested. */
export function findForm(text: string): string | undefined {
  return encodingFound(text, KEY) ?? (text.includes(LIST) ? 'list' : undefined);
}

/** Throws if a value shows the key when it is printed, as text or as JSON. */
export function checkPrinted(value: unknown, what: string): void {
  checkTexts([inspect(value, { depth: 12, showHidden: true, maxStringLength: null }), tryJson(value)], what);
}

/** Throws if any text in a value shows the key. Ten times faster than {@link checkPrinted}. */
export function checkHidden(value: unknown, what: string): void {
  const texts: string[] = [];
  const seen = new Set<unknown>();
  const collect = (each: unknown): void => {
    if (typeof each !== 'object' || each === null) {
      texts.push(String(each));
      return;
    }
    if (seen.has(each)) return;
    seen.add(each);
    if (ArrayBuffer.isView(each))
      texts.push(Buffer.from(each.buffer, each.byteOffset, each.byteLength).toString('latin1'));
    else {
      if (each instanceof Map || each instanceof Set) for (const item of each) collect(item);
      for (const name of Reflect.ownKeys(each)) {
        texts.push(String(name));
        collect((each as Record<PropertyKey, unknown>)[name]);
      }
    }
  };
  collect(value);
  // A list of numbers shows it as JSON only.
  checkTexts([...texts, tryJson(value)], what);
}

function checkTexts(texts: readonly string[], what: string): void {
  for (const text of texts) {
    const form = findForm(text);
    if (form !== undefined) throw new Error(`${what} shows the key (${form}).`);
  }
}

/** Returns a value as JSON; nothing if it has a circle. */
function tryJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '';
  }
}

/** Throws unless an error is one that goldkey documents, without the key in it. */
export function checkError(error: unknown, more?: (error: unknown) => boolean): void {
  checkHidden(error, 'The error');
  checkDocumented(error, more);
}

/** Throws unless an error is one that goldkey documents, or `more` knows it. */
export function checkDocumented(error: unknown, more: (error: unknown) => boolean = () => false): void {
  const isArgument =
    (error instanceof TypeError || error instanceof RangeError) &&
    (error as { code?: unknown }).code === 'ERR_INVALID_ARG_VALUE';
  if (!isGoldKeyError(error) && !isArgument && !more(error)) {
    throw new Error(`An error that is not documented: ${error instanceof Error ? (error.stack ?? '') : String(error)}`);
  }
  const { message, retryAfter } = error as Error & { readonly retryAfter?: unknown };
  // Whoever writes an answer or a file must not write lines into a log.
  check(
    message !== '' && !/[\p{Cc}\u2028\u2029]/u.test(message),
    `A message that is not one line: ${JSON.stringify(message)}`,
  );
  const isWait = retryAfter === undefined || (Number.isFinite(retryAfter) && (retryAfter as number) >= 0);
  check(isWait, `A \`retryAfter\` of ${String(retryAfter)}.`);
}

/** Makes the engine of regular expressions forget what it has last run on. */
export function clearLastMatch(): void {
  / /.test(' ');
}

/** Throws if a regular expression has run on the key since {@link clearLastMatch}: the engine keeps it. */
export function checkLastMatch(): void {
  const kept = (RegExp as unknown as Record<string, string>)['$_'] ?? '';
  if (findForm(kept) !== undefined) throw new Error('A regular expression ran over the key: RegExp.input shows it.');
}

/** Throws `problem` unless it is true. */
export function check(isRight: boolean, problem: string): asserts isRight {
  if (!isRight) throw new Error(problem);
}
