import { isObject, NOT_SEARCHED, tryOrUndefined, type KeyedClient } from '../core/index.js';

/** Parts of a span or log record, by name. */
export type Parts = Readonly<Record<string, unknown>>;

/** Creates what takes the place of a field, from its part without keys; `undefined` where the search was given up. */
export type Rebuild = (clean: unknown, before: unknown) => unknown;

/**
 * Removes every key of these clients from the fields of a record. Where the search fails, nothing stays that was not
 * searched.
 *
 * @param read - reads the parts to search, each named for its field
 * @param fields - the fields, with what to write into them
 * @throws {Error} if the record holds a key and cannot be changed
 */
export function redactRecord<R extends object>(
  record: R,
  clients: readonly KeyedClient[],
  read: (record: R) => Parts,
  fields: Readonly<Record<string, Rebuild>>,
): void {
  const parts = tryOrUndefined(() => read(record));
  const clean = parts && tryOrUndefined(() => clients.reduce((left, client) => client.redact(left), parts));
  if (clean !== undefined && clean === parts) return;
  for (const [name, rebuild] of Object.entries(fields)) {
    const part = isObject(clean) ? clean[name] : undefined;
    if (parts !== undefined && isObject(clean) && part === parts[name]) continue;
    writeField(record, name, (before) => rebuild(part, before));
  }
}

/** Returns a text; where the search was given up, a word that says so. */
export function toText(clean: unknown): string {
  return typeof clean === 'string' ? clean : NOT_SEARCHED;
}

/** Returns attributes; none where the search was given up, because exporters need an object. */
export function toAttributes(clean: unknown): Parts {
  return isObject(clean) && !Array.isArray(clean) ? (clean as Parts) : {};
}

/** Returns a list; an empty one where the search was given up. */
export function toList(clean: unknown): readonly unknown[] {
  return Array.isArray(clean) ? clean : [];
}

/**
 * Writes a field, or changes what is behind a field that is read-only.
 *
 * @throws {Error} if neither can be done
 */
function writeField(record: object, name: string, rebuild: (before: unknown) => unknown): void {
  const read = (): unknown => tryOrUndefined(() => (record as Parts)[name]);
  if (!(name in record)) return;
  const before = read();
  const value = rebuild(before);
  tryOrUndefined(() => Reflect.set(record, name, value));
  if (read() === value) return;
  const isReplaced = replaceContent(before, value);
  tryOrUndefined(() => Reflect.defineProperty(record, name, { value, enumerable: true, configurable: true }));
  if (isReplaced || read() === value) return;
  throw new Error('A span or log record holds a key and cannot be changed, so it is not exported.');
}

/** Makes `target` hold what `source` holds, and returns whether it does. */
function replaceContent(target: unknown, source: unknown): boolean {
  if (!isObject(target) || !isObject(source)) return false;
  const removed = Reflect.ownKeys(target).filter((key) => !Object.hasOwn(source, key));
  return (
    removed.every((key) => Reflect.deleteProperty(target, key)) &&
    Reflect.ownKeys(source).every((key) => Reflect.set(target, key, Reflect.get(source, key)))
  );
}
