import { quote, type EncryptionContext } from '../../core/index.js';
import { UsageError } from '../errors.js';

// Parsers for the values of options, as commander takes them. No error repeats the value, which may be a key.

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SHORTEST_INTERVAL_MS = 1_000;
/** A timer of Node.js holds no more than 24.8 days. */
const LONGEST_INTERVAL_MS = 24 * 86_400_000;
const CONTEXT_ADVICE = 'write it as `service=gold-data-stream,environment=production`, as JSON, or `{}` for none';

/** Returns a parser of times such as `90d`, `24h`, `30m`, `10s` or `500ms`, in ms. */
export function parseDuration(flag: string): (text: string) => number {
  return (text) => {
    const [, count, unit = ''] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
    if (count === undefined) throw new UsageError(`${flag} must be a time such as 90d, 24h, 30m or 10s.`);
    return Number(count) * (UNITS[unit] ?? NaN);
  };
}

/** Parses the value of `--watch`, in ms. */
export function parseInterval(text: string): number {
  const interval = parseDuration('--watch')(text);
  if (interval >= SHORTEST_INTERVAL_MS && interval <= LONGEST_INTERVAL_MS) return interval;
  throw new UsageError('--watch must be from 1s to 24d.');
}

/** Parses a size such as `500k`, `10m` or `1g`, in bytes. */
export function parseSize(text: string): number {
  const [, count, unit = ''] = /^(\d{1,9})([kmgt]?)b?$/i.exec(text) ?? [];
  if (count === undefined) throw new UsageError('--max-file-size must be a size such as 500k, 10m or 1g.');
  return Number(count) * 1_024 ** ['', 'k', 'm', 'g', 't'].indexOf(unit.toLowerCase());
}

/** Checks the value of `--mfa-serial`: the ARN of a device that shows codes, as a security key does not. */
export function parseMfaSerial(text: string): string {
  if (/^arn:aws[a-z-]*:iam::\d{12}:mfa\/[\w+=,.@/-]+$/.test(text)) return text;
  throw new UsageError('--mfa-serial must be the ARN of an MFA device: arn:aws:iam::111122223333:mfa/ada.');
}

/** Adds a glob of `--exclude` to those before: as a string of bytes, as which it is compared. */
export function addGlob(text: string, before: readonly string[] = []): string[] {
  return [...before, Buffer.from(text.endsWith('/') ? text.slice(0, -1) : text).toString('latin1')];
}

/** Parses the value of `--ring` as a URL. The parser's own error quotes the text, which may hold a password. */
export function parseRingUrl(text: string): URL {
  if (URL.canParse(text)) return new URL(text);
  throw new UsageError('--ring is not a valid URL.');
}

/** Decodes a part of the value of `--ring`: the URL parser takes a `%` that encodes nothing. */
export function decodeRingPart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new UsageError('--ring is not a valid URL: a % must be followed by two hex digits.');
  }
}

/** Returns a parser of numbers that are written like `pattern`. */
export function parseNumber(pattern: RegExp, message: string): (text: string) => number {
  return (text) => {
    if (pattern.test(text)) return Number(text);
    throw new UsageError(message);
  };
}

/** Adds the value of one `--metadata` to those before. */
export function addMetadata(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError('--metadata must be name=value.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** Adds the value of one `--encryption-context` to those before. The errors name its keys, never its values. */
export function addEncryptionContext(text: string, before: EncryptionContext = {}): EncryptionContext {
  const pairs = text.trim().startsWith('{') ? parseJson(text) : parsePairs(text);
  const merged = new Map(Object.entries(before));
  for (const [name, value] of pairs) {
    if ((merged.get(name) ?? value) !== value) {
      throw new UsageError(`--encryption-context gives ${quote(name)} twice, with different values.`);
    }
    merged.set(name, value);
  }
  return Object.fromEntries(merged);
}

function parseJson(text: string): [string, string][] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new UsageError(`--encryption-context is not valid JSON: ${CONTEXT_ADVICE}.`);
  }
  return Object.entries(parsed as object).map(([name, value]: [string, unknown]) => {
    if (typeof value !== 'string') throw new UsageError(`--encryption-context: ${quote(name)} must be a string.`);
    return [name, value];
  });
}

function parsePairs(text: string): [string, string][] {
  return text.split(',').map((pair) => {
    const at = pair.indexOf('=');
    if (at < 1 || at === pair.length - 1)
      throw new UsageError(`--encryption-context is not name=value: ${CONTEXT_ADVICE}.`);
    return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
  });
}
