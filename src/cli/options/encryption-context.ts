import type { EncryptionContext } from '../../core/index.js';
import { UsageError } from '../errors.js';

const HOW = 'write it as `service=gold-data-stream,environment=production`, as JSON, or `{}` for none';

/** Adds the value of one `--encryption-context` to those before. The errors name its keys, never its values. */
export function addEncryptionContext(text: string, before: EncryptionContext = {}): EncryptionContext {
  const pairs = text.trim().startsWith('{') ? parseJson(text) : parsePairs(text);
  const merged = new Map(Object.entries(before));
  for (const [name, value] of pairs) {
    if ((merged.get(name) ?? value) !== value) {
      throw new UsageError(`--encryption-context gives \`${name}\` twice, with different values.`);
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
    throw new UsageError(`--encryption-context is not valid JSON: ${HOW}.`);
  }
  return Object.entries(parsed as object).map(([name, value]: [string, unknown]) => {
    if (typeof value !== 'string') throw new UsageError(`--encryption-context: \`${name}\` must be a string.`);
    return [name, value];
  });
}

function parsePairs(text: string): [string, string][] {
  return text.split(',').map((pair) => {
    const at = pair.indexOf('=');
    if (at < 1 || at === pair.length - 1) throw new UsageError(`--encryption-context is not name=value: ${HOW}.`);
    return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
  });
}
