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

/** Texts, values and errors from which the key is removed: none shows it then, and what has none of it stays as it was. */
export const target: Target = {
  words: [
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
    checkHidden(redactValue(parse(text), [KEY]), 'A value of JSON');
    checkHidden(redactValue(Buffer.from(text), [KEY]), 'Bytes');
  },
};

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns whether a text has eight characters of the key, in which case the rest may have been cut off. */
function hasPart(text: string): boolean {
  const folded = text.toLowerCase();
  const key = KEY.toLowerCase();
  return Array.from({ length: key.length - 7 }, (_, at) => key.slice(at, at + 8)).some((part) => folded.includes(part));
}
