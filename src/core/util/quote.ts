import { isError, readProperty, tryOrUndefined } from './safe-access.js';

/** The beginnings of well-known credentials. */
const PREFIXES = ['sk_', 'sk-', 'pk_', 'rk_', 'AKIA', 'ASIA', 'ghp_', 'hvs.', 'eyJ'];
const SEPARATORS = '-_./\\:@# ';
const VOWELS = 'aeiouyAEIOUY';
/** The longest name that is quoted. */
const MAX_LENGTH = 64;
const MAX_WORD_LENGTH = 15;
/** As many as `v10` and `sha256` have. */
const MAX_DIGITS = 3;
/** The shortest API key. A run of so many characters may end with one digit only. */
const KEY_LENGTH = 8;

/**
 * Returns `text` in backticks for a message, after `prefix`, or only its length if it could be a secret that was given in
 * place of a name.
 */
export function quote(text: string, prefix: string = ''): string {
  if (isQuotable(text)) return `\`${prefix}${text}\``;
  return `${prefix === '' ? '' : `\`${prefix}…\` `}${describeText(text)}`;
}

/** Returns `text` without backticks, or only its length if it could be a secret. */
export function showText(text: string): string {
  return isQuotable(text) ? text : describeText(text);
}

/** Returns the length of a text that is not shown. */
export function describeText(text: string): string {
  return `[${String(text.length)} characters, not shown]`;
}

/** Returns the name of an error, or `Error` if it could be a secret or cannot be read; `undefined` for any other value. */
export function readErrorName(error: unknown): string | undefined {
  if (tryOrUndefined(() => isError(error)) !== true) return undefined;
  const name = readProperty(error as Error, 'name');
  return typeof name === 'string' && isQuotable(name) ? name : 'Error';
}

/**
 * Returns whether `text` may be shown, because it is made of words, such as `refreshAhead` or `team/gold-v2`. It scans
 * characters, because a regular expression would keep a key in `RegExp.input`.
 */
export function isQuotable(text: string): boolean {
  if (!isOneLine(text)) return false;
  // Nothing else begins like an ARN, which holds the number of an account.
  if (text.startsWith('arn:aws')) return true;
  if (text.length > MAX_LENGTH || PREFIXES.some((prefix) => text.startsWith(prefix))) return false;
  let digits = 0;
  let run = '';
  for (const char of `${text} `) {
    if (!SEPARATORS.includes(char)) {
      run += char;
      if (!isLetter(char) && ++digits > MAX_DIGITS) return false;
    } else {
      if (!isMadeOfWords(run)) return false;
      if (char === '/') digits = 0;
      run = '';
    }
  }
  return true;
}

/** Returns whether `text` has no control characters and no ends of lines, with which it could write lines into a log. */
export function isOneLine(text: string): boolean {
  for (const char of text) {
    const isControl = char < ' ' || (char >= '\u007f' && char <= '\u009f');
    if (isControl || char === '\u2028' || char === '\u2029') return false;
  }
  return true;
}

/** Returns whether what stands between separators is words, and digits behind them: `keyTimeout`, `HTTPServer`, `v10`. */
function isMadeOfWords(run: string): boolean {
  let end = run.length;
  while (end > 0 && !isLetter(run[end - 1] ?? '')) end--;
  if (run.length >= KEY_LENGTH && run.length - end > 1) return false;
  const words: string[] = [];
  for (let index = 0; index < end; index++) {
    const [before = '', char = '', after = ''] = [run[index - 1], run[index], run[index + 1]];
    if (!isLetter(char)) return false;
    if (isUpper(char) && (!isUpper(before) || (isLetter(after) && !isUpper(after)))) words.push(char);
    else words.push(`${words.pop() ?? ''}${char}`);
  }
  // Random letters change their case more often.
  const isCamelCase = words.length < 2 || end >= (end < KEY_LENGTH ? 2.5 : 3.5) * words.length;
  return isCamelCase && words.filter(({ length }) => length < 3).length < 2 && words.every(isPronounceable);
}

function isPronounceable(word: string): boolean {
  const vowels = [...word].filter((char) => VOWELS.includes(char) || char > '\u007f').length;
  return word.length <= MAX_WORD_LENGTH && (word.length < 6 || vowels * 6 >= word.length);
}

/** Letters without case count as lower case. */
function isLetter(char: string): boolean {
  return (char >= 'a' && char <= 'z') || char > '\u007f' || isUpper(char);
}

function isUpper(char: string): boolean {
  return char >= 'A' && char <= 'Z';
}
