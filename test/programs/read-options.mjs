// The command lines of the programs below test: what is wrong with one is said in a sentence, and nothing is run.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

/** The seeds that keep all their digits in whatever is added to them. */
export const SEED = { least: 0, most: 10 ** 15 };

/**
 * Reads the command line of the program `file`. An option is `{ flag: true }`, `{ least, most }` for an integer,
 * `{ oneOf }` for a name, or `{ pattern, text }`, a text and what it is; with `many` there may be several of the last two.
 * Returns the values by name: flags that are not given are false, and of `many` there is a list. `--help` prints the comment
 * that opens the program.
 */
export function readOptions(file, options) {
  const names = Object.keys(options).map((name) => `--${name}`);
  const types = Object.entries(options).map(([name, { flag }]) => [name, { type: flag ? 'boolean' : 'string' }]);
  const { tokens } = parseArgs({ options: Object.fromEntries(types), strict: false, tokens: true });
  const values = {};
  for (const [name, { flag, many }] of Object.entries(options)) if (flag || many) values[name] = flag ? false : [];
  for (const { kind, name, rawName, value } of tokens) {
    if (kind === 'option-terminator') continue;
    if (kind === 'positional') refuse(`"${value}" is a word too many: choose from ${names.join(', ')}.`);
    if (name === 'help') printHelp(file);
    if (!Object.hasOwn(options, name)) refuse(`There is no option ${rawName}: choose from ${names.join(', ')}.`);
    const option = options[name];
    if (option.flag && value !== undefined) refuse(`--${name} takes no value.`);
    const read = option.flag || readValue(name, option, value);
    values[name] = option.many ? [...values[name], ...read] : read;
  }
  return values;
}

/** Returns the integer that a text is, or ends the program: `name` says where it was given. */
export function readInteger(name, { least, most }, text) {
  const number = /^\d{1,16}$/.test(text ?? '') ? Number(text) : NaN;
  if (number >= least && number <= most) return number;
  return refuse(`${name} takes an integer from ${least} to ${most}, ${given(text)}.`);
}

/** Prints what is wrong with the command line, and ends the program. */
export function refuse(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(2);
}

function readValue(name, option, value) {
  if (option.least !== undefined) return readInteger(`--${name}`, option, value);
  if (option.oneOf !== undefined) {
    const chosen = option.many ? (value ?? '').split(',') : [value];
    const isKnown = chosen.every((one) => option.oneOf.includes(one));
    if (!isKnown)
      refuse(`--${name} takes ${option.many ? 'some' : 'one'} of ${option.oneOf.join(',')}, ${given(value)}.`);
    return option.many ? chosen : value;
  }
  if (!option.pattern.test(value ?? '')) refuse(`--${name} takes ${option.text}, ${given(value)}.`);
  return option.many ? [value] : value;
}

function given(value) {
  return value === undefined || value === '' ? 'and none was given' : `not "${value}"`;
}

function printHelp(file) {
  const [comment] = /^(?:\/\/.*\n)+/.exec(readFileSync(file, 'utf8'));
  process.stdout.write(comment.replaceAll(/^\/\/ ?/gm, ''));
  process.exit(0);
}
