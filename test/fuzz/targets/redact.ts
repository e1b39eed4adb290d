import { redactValue, scrub, SecretMatcher } from '../../../src/core/index.js';
import {
  check,
  checkHidden,
  checkLastMatch,
  checkPrinted,
  clearLastMatch,
  findForm,
  KEY,
  KEY_WORDS,
  readText,
} from '../lib/key.js';
import type { Target } from '../lib/target.js';

type Members = Readonly<Record<string, unknown>>;

/** What an object of JSON becomes whose member `kind` is one of these names. */
const KINDS: Readonly<Record<string, (members: Members, text: string) => unknown>> = {
  map: (members) => new Map(Object.entries(members)),
  set: (members) => new Set(Object.values(members)),
  error: (members, text) => give(new Error(text, { cause: members['cause'] }), members),
  errors: (members, text) => new AggregateError(Object.values(members), text),
  url: (_, text) => new URL(`http://h/${text}?k=${encodeURIComponent(text)}`),
  params: (_, text) => new URLSearchParams({ text }),
  headers: (_, text) => new Headers({ 'x-api-key': encodeURIComponent(text) }),
  buffer: (_, text) => Buffer.from(text),
  wide: (_, text) => new Uint8Array(Buffer.from(text, 'utf16le')),
  list: (_, text) => [...Buffer.from(text)],
  boxed: (_, text) => Object(text) as unknown,
  symbol: (_, text) => ({ [Symbol(text)]: Symbol(text) }),
  bare: (members) => give(Object.create(null) as object, members),
  frozen: (members, text) => Object.freeze(give(new Error(text), members)),
  hidden: (_, text) => Object.defineProperty({}, 'hidden', { value: text }),
  getter: (_, text) => ({
    get text() {
      return text;
    },
  }),
  shown: (_, text) => ({ [Symbol.for('nodejs.util.inspect.custom')]: () => text, toJSON: () => text }),
  function: (members, text) => give(() => text, members),
};

/** Texts, values and errors from which the key is removed: none shows it then, and what has none of it stays as it was. */
export const target: Target = {
  words: [
    ...[
      ...KEY_WORDS,
      '%',
      '%25',
      '\\',
      '\\\\',
      '\\u00',
      '\\x',
      '[REDACTED]',
      ', ',
      '\n',
      '=',
      '-',
      '_',
      '"',
      'sk',
      '789',
    ],
    ...Object.keys(KINDS).flatMap((kind) => [`{"kind":"${kind}","text":"{{key:JSON-escaped}}"}`, kind]),
  ],
  run(input) {
    const text = readText(input);
    clearLastMatch();
    const matcher = new SecretMatcher([KEY]);
    const clean = matcher.redact(text);
    const isFound = matcher.contains(text);
    const isLeft = matcher.contains(clean);
    matcher.clear();
    checkLastMatch();
    const left = findForm(clean);
    check(left === undefined, `The text still shows the key (${String(left)}).`);
    check(!isLeft, 'A text that was cleaned still counts as one with the key.');
    check(isFound === (clean !== text), 'A text that holds the key was not changed, or one that does not was.');
    // No other text of the input is long enough to be taken for the key.
    check(clean === text || input.includes('{{key') || hasPart(text), 'A text without the key was changed.');
    checkHidden(redactValue({ text, list: [text], [text]: 1 }, [KEY]), 'A value');
    const error = Object.assign(new Error(text, { cause: new TypeError(text) }), { text, name: text });
    checkPrinted(scrub(error, [KEY]), 'An error');
    const value = dress(parse(text));
    if (typeof value !== 'object' || value === null) return;
    checkPrinted(redactValue(value, [KEY]), 'A value of JSON');
    checkPrinted(scrub(Object.assign(new Error('It failed.', { cause: value }), { value }), [KEY]), 'An error of JSON');
  },
};

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns a value of JSON with objects of other kinds in it. */
function dress(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(dress);
  const members = Object.fromEntries(Object.entries(value).map(([name, each]) => [name, dress(each)]));
  const { kind, text } = members;
  const make = typeof kind === 'string' && Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  try {
    return make?.(members, typeof text === 'string' ? text : '') ?? members;
  } catch {
    // Not every text can be encoded, and an error takes not every field.
    return members;
  }
}

/** Gives an object fields of its own, whatever their names. */
function give<T extends object>(to: T, members: Members): T {
  return Object.defineProperties(to, Object.getOwnPropertyDescriptors(members));
}

/** Returns whether a text has eight characters of the key, in which case the rest may have been cut off. */
function hasPart(text: string): boolean {
  const folded = text.toLowerCase();
  const key = KEY.toLowerCase();
  return Array.from({ length: key.length - 7 }, (_, at) => key.slice(at, at + 8)).some((part) => folded.includes(part));
}
