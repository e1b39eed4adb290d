import { KeyProviderError, describeType, showText } from '../../core/index.js';
import type { KeyRingDocument, RingVersion, VersionState } from './types.js';

/** The format of rings that this version of goldkey reads and writes. */
export const FORMAT = 'goldkey/1';

const STATES: readonly unknown[] = ['pending', 'current', 'previous', 'retired', 'rejected'] satisfies VersionState[];

/** The size limit of a DynamoDB item. */
export const MAX_RING_BYTES = 400_000;

/** Returns what is wrong with a field, or `undefined`. */
type Rule = (value: unknown) => string | undefined;
type Rules = Readonly<Record<string, Rule>>;

const anything: Rule = () => undefined;
function rule(isValid: (value: unknown) => boolean, problem: string): Rule {
  return (value) => (isValid(value) ? undefined : problem);
}
function kind(name: string, isOfKind: (value: unknown) => boolean): Rule {
  return (value) => (isOfKind(value) ? undefined : `must be ${name}, got ${value === '' ? "''" : describeType(value)}`);
}
function optional(present: Rule): Rule {
  return (value) => (value === undefined ? undefined : present(value));
}

const string = kind('a string', (value) => typeof value === 'string');
const text = kind('a non-empty string', (value) => typeof value === 'string' && value !== '');
const object = kind('an object', (value) => typeof value === 'object' && value !== null && !Array.isArray(value));
const time = rule(
  (value) =>
    typeof value === 'string' && /^\d{4}-\d{2}-\d{2}T[0-9:.]+Z$/.test(value) && !Number.isNaN(Date.parse(value)),
  'must be an ISO 8601 time',
);

/** The fields of a ring, in the order in which they are written. */
export const RING_RULES: Rules = {
  format: rule((value) => value === FORMAT, `is not \`${FORMAT}\`; update goldkey if a newer version wrote this ring`),
  name: text,
  revision: rule((value) => Number.isSafeInteger(value) && (value as number) >= 1, 'must be an integer from 1'),
  // Rings of 0.1.0 have none.
  id: optional(text),
  writeId: text,
  current: text,
  previous: optional(text),
  rollout: optional(object),
  versions: object,
};
/** The fields of a rollout, in the order in which they are written. */
export const ROLLOUT_RULES: Rules = {
  pending: text,
  id: text,
  percent: rule((value) => typeof value === 'number' && value >= 0 && value <= 100, 'must be a number from 0 to 100'),
  startedAt: time,
  revertedAt: optional(time),
};
/** The fields of a version, in the order in which they are written. */
export const VERSION_RULES: Rules = {
  state: rule((value) => STATES.includes(value), `must be one of ${STATES.join(', ')}`),
  cipher: text,
  keyId: anything,
  encryptionContext: object,
  fingerprint: anything,
  createdAt: string,
  notAfter: optional(time),
  revertedAt: optional(time),
  rotationId: optional(text),
  metadata: optional(object),
  ciphertext: optional(text),
};
/** The rules for a version with a ciphertext. The fields are empty while its key is being minted. */
const KEY_RULES: Rules = {
  keyId: text,
  fingerprint: rule((value) => typeof value === 'string' && /^[0-9a-f]{8}$/.test(value), 'must be 8 hex digits'),
};

/** Parses and checks the text of a ring. Errors name the path of a wrong field, never its content. */
export function parseRing(json: string, store: string): KeyRingDocument {
  if (json.length > MAX_RING_BYTES) {
    throw invalidRing(store, '', `has ${String(json.length)} characters, more than any ring`);
  }
  let value: unknown;
  try {
    value = JSON.parse(json) as unknown;
  } catch {
    // The parser's error is dropped because it quotes the text.
    throw invalidRing(store, '', json.trim() === '' ? 'is empty' : 'is not JSON; it may have been cut short');
  }
  return checkRing(value, store);
}

/** Returns `value` if it is a valid ring. Throws a retryable error otherwise: a cached key stays in use meanwhile. */
export function checkRing(value: unknown, store: string): KeyRingDocument {
  const fail = (path: string, problem: string): never => {
    throw invalidRing(store, path, problem);
  };
  const check = (path: string, fields: object, rules: Rules): void => {
    for (const [name, findProblem] of Object.entries(rules)) {
      // `null` is not taken for a missing field: a later reader of the document would take it for a value.
      const field = Object.hasOwn(fields, name) ? (fields as Readonly<Record<string, unknown>>)[name] : undefined;
      const problem = findProblem(field);
      if (problem !== undefined) fail(path + name, field === undefined ? 'is missing' : problem);
    }
  };

  const problem = object(value);
  if (problem !== undefined) fail('', problem);
  check('', value as object, RING_RULES);
  const ring = value as KeyRingDocument;
  if (ring.rollout !== undefined) check('rollout.', ring.rollout, ROLLOUT_RULES);
  for (const [name, version] of Object.entries(ring.versions)) {
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) fail('versions', 'has an invalid version name');
    check('versions.', ring.versions, { [name]: object });
    const path = `versions.${name}.`;
    check(path, version, VERSION_RULES);
    for (const field of ['encryptionContext', 'metadata'] as const) {
      for (const [key, held] of Object.entries(version[field] ?? {})) {
        const wrong = string(held);
        if (wrong !== undefined) fail(`${path}${field}.${showText(key)}`, wrong);
      }
    }
    if (version.ciphertext !== undefined) check(path, version, KEY_RULES);
  }

  const references = new Map<string, string>();
  const named = [
    ['current', ring.current, 'current'],
    ['previous', ring.previous, 'previous'],
    ['rollout.pending', ring.rollout?.pending, 'pending'],
  ] as const;
  for (const [path, name, state] of named) {
    if (name === undefined) continue;
    const version = findVersion(ring, name) ?? fail(path, 'names a version that is not in `versions`');
    const other = references.get(name);
    if (other !== undefined) fail(path, `names the same version as \`${other}\``);
    if (version.state !== state) fail(`versions.${name}.state`, `must be \`${state}\`, as \`${path}\` names it`);
    if (version.ciphertext === undefined) fail(`versions.${name}.ciphertext`, `is missing, and \`${path}\` names it`);
    references.set(name, path);
  }
  for (const [name, { state }] of Object.entries(ring.versions)) {
    if ((state === 'current' || state === 'previous') && !references.has(name)) {
      fail(`versions.${name}.state`, `is \`${state}\`, but the ring does not name this version`);
    }
  }
  return ring;
}

function invalidRing(store: string, path: string, problem: string): KeyProviderError {
  const place = path === '' ? '' : ` at \`${path}\``;
  return new KeyProviderError(`The key ring is invalid${place}: it ${problem}.`, { provider: store });
}

/** Returns a version by its name. Inherited names such as `constructor` are not versions. */
export function findVersion(
  ring: Pick<KeyRingDocument, 'versions'>,
  name: string | undefined,
): RingVersion | undefined {
  return name !== undefined && Object.hasOwn(ring.versions, name) ? ring.versions[name] : undefined;
}

/** Compares version names so that `v10` sorts after `v9`, and none is equal to another: not even `v1` to `v01`. */
export function compareVersionNames(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true }) || (a < b ? -1 : Number(a > b));
}
