import { describeType, invalidType } from '../core/index.js';
import { SignatureError } from './signature-error.js';
import type { HmacRequest } from './types.js';

/** Longest `Signature-Input` or `Signature` that is read, in characters, and most signatures that they may hold. */
const MAX_LENGTH = 8_192;
const MAX_MEMBERS = 5;

/** The headers of a request by their names in lower case, each with all its values. */
export type HeaderValues = ReadonlyMap<string, readonly string[]>;

/** Reads the headers of a request in any of their forms. */
export function readHeaders(headers: HmacRequest['headers']): HeaderValues {
  const invalid = (got: string): TypeError => invalidType(`\`headers\` must be a Headers or an object, got ${got}.`);
  if (headers === null || !['object', 'undefined'].includes(typeof headers)) throw invalid(describeType(headers));
  const found = new Map<string, string[]>();
  // A Headers, of whatever library, gives pairs; an object is no list of anything.
  const given = headers ?? {};
  const entries = Symbol.iterator in given ? (given as Iterable<unknown>) : Object.entries(given);
  for (const entry of entries) {
    const [name, value]: readonly unknown[] = Array.isArray(entry) ? entry : [];
    if (typeof name !== 'string') throw invalid(describeType(headers));
    for (const text of [value ?? []].flat()) {
      if (typeof text !== 'string' && typeof text !== 'number') throw invalid(`${describeType(text)} as a value`);
      const key = name.toLowerCase();
      const texts = found.get(key) ?? [];
      texts.push(String(text));
      found.set(key, texts);
    }
  }
  return found;
}

/** Returns the headers as an object of lists. */
export function toObject(headers: HeaderValues): Record<string, string[]> {
  return Object.fromEntries([...headers].map(([name, values]) => [name, [...values]]));
}

/** Returns the value of a header that must be there once. */
export function readOne(headers: HeaderValues, name: string): string {
  const values = headers.get(name);
  if (values === undefined) throw new SignatureError('missing', `The request has no \`${name}\` header.`);
  const [value = ''] = values;
  if (values.length > 1 || value === '') throw malformedHeader(name);
  return value;
}

export function malformedHeader(name: string): SignatureError {
  return new SignatureError('malformed', `The \`${name}\` header cannot be read, or came twice.`);
}

/**
 * Returns one member of `Signature-Input` or `Signature`, e.g. `goldkey=("@method");created=1`: others are never looked at,
 * so that a signature under another label can neither help nor harm. Splits at commas outside of quotes; what the member
 * itself says is for the library to parse.
 */
export function pickMember(headers: HeaderValues, name: string, label: string): string {
  const values = headers.get(name);
  if (values === undefined) throw new SignatureError('missing', `The request has no \`${name}\` header.`);
  const text = values.join(', ');
  const malformed = (problem: string): SignatureError =>
    new SignatureError('malformed', `The \`${name}\` header ${problem}.`);
  if (text.length > MAX_LENGTH) throw malformed(`has more than ${String(MAX_LENGTH)} characters`);
  const members = splitMembers(text);
  if (members.length > MAX_MEMBERS) throw malformed(`has more than ${String(MAX_MEMBERS)} signatures`);
  const ours = members.filter((member) => member.startsWith(`${label}=`));
  const [found] = ours;
  if (found === undefined) throw new SignatureError('missing', `The \`${name}\` header has no signature \`${label}\`.`);
  if (ours.length > 1) throw malformed(`has \`${label}\` twice`);
  return found;
}

function splitMembers(text: string): string[] {
  const members: string[] = [];
  let [start, isQuoted] = [0, false];
  for (let index = 0; index < text.length; index++) {
    const char = text[index];
    if (isQuoted && char === '\\') index++;
    else if (char === '"') isQuoted = !isQuoted;
    else if (char === ',' && !isQuoted) {
      members.push(text.slice(start, index).trim());
      start = index + 1;
    }
  }
  return [...members, text.slice(start).trim()];
}
