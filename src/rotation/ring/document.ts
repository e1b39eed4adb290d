import { KeyProviderError, describeType } from '../../core/index.js';
import type { KeyRingDocument, RingVersion, VersionState } from './types.js';

export const FORMAT = 'goldkey/1';

const STATES: readonly VersionState[] = ['pending', 'current', 'previous', 'retired', 'rejected'];

/** DynamoDB holds no larger item, and a ring grows by some 400 bytes with each rotation. */
const MAX_RING_BYTES = 400_000;

type Fields = Readonly<Record<string, unknown>>;

/** A ring's text as a document, checked. What is wrong with it is told by its path, never by its content. */
export function parseRing(text: string, store: string): KeyRingDocument {
  if (text.length > MAX_RING_BYTES) {
    throw broken(store, undefined, `has ${String(text.length)} characters, more than any ring`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text) as unknown;
  } catch {
    // Not the parser's error: it quotes what it read.
    throw broken(store, undefined, text.trim() === '' ? 'is empty' : 'is no JSON; it may have been cut short');
  }
  return checkRing(value, store);
}

/** Holds a document to the format. It may pass by itself: a key in use serves on meanwhile. */
export function checkRing(value: unknown, store: string): KeyRingDocument {
  const fail = (path: string, expected: string): never => {
    throw broken(store, path, expected);
  };
  const ring = fieldsOf(value) ?? fail('', 'must be an object');
  const text = (holder: Fields, path: string, name: string): string => {
    const found = own(holder, name);
    return typeof found === 'string' && found !== '' ? found : fail(join(path, name), textExpected(found));
  };
  const moment = (holder: Fields, path: string, name: string): void => {
    const found = own(holder, name);
    if (found !== undefined && !isMoment(found)) fail(join(path, name), 'must be an ISO 8601 time');
  };
  const strings = (holder: Fields, path: string, name: string): void => {
    const pairs = fieldsOf(own(holder, name)) ?? fail(join(path, name), 'must be an object of strings');
    for (const [key, found] of Object.entries(pairs)) {
      if (typeof found !== 'string') fail(join(join(path, name), key), `must be a string, got ${describeType(found)}`);
    }
  };

  const format = text(ring, '', 'format');
  if (format !== FORMAT) {
    fail('format', `is not \`${FORMAT}\`; a newer version of goldkey may have written it: update this one`);
  }
  text(ring, '', 'name');
  text(ring, '', 'writeId');
  const revision = own(ring, 'revision');
  if (!Number.isSafeInteger(revision) || (revision as number) < 1) fail('revision', 'must be an integer from 1');
  const versions = fieldsOf(own(ring, 'versions')) ?? fail('versions', 'must be an object');
  for (const [name, found] of Object.entries(versions)) checkVersion(name, found);

  const inUse = new Map<string, string>();
  const points = (path: string, name: string, state: VersionState): void => {
    const version = fieldsOf(own(versions, name)) as RingVersion | undefined;
    if (version === undefined) return fail(path, 'names a version that is not in `versions`');
    const other = inUse.get(name);
    if (other !== undefined) return fail(path, `names the same version as \`${other}\``);
    if (version.state !== state)
      return fail(join(join('versions', name), 'state'), `must be \`${state}\`, as \`${path}\` names it`);
    if (version.ciphertext === undefined)
      return fail(join(join('versions', name), 'ciphertext'), `is missing, and \`${path}\` names it`);
    inUse.set(name, path);
  };
  points('current', text(ring, '', 'current'), 'current');
  if (own(ring, 'previous') !== undefined) points('previous', text(ring, '', 'previous'), 'previous');
  const rollout = own(ring, 'rollout');
  if (rollout !== undefined) {
    const trial = fieldsOf(rollout) ?? fail('rollout', 'must be an object');
    text(trial, 'rollout', 'id');
    const percent = own(trial, 'percent');
    if (typeof percent !== 'number' || !(percent >= 0 && percent <= 100)) {
      fail('rollout.percent', 'must be a number from 0 to 100');
    }
    if (!isMoment(own(trial, 'startedAt'))) fail('rollout.startedAt', 'must be an ISO 8601 time');
    moment(trial, 'rollout', 'revertedAt');
    points('rollout.pending', text(trial, 'rollout', 'pending'), 'pending');
  }
  for (const [name, { state }] of Object.entries(versions as Record<string, RingVersion>)) {
    if ((state === 'current' || state === 'previous') && !inUse.has(name)) {
      fail(join(join('versions', name), 'state'), `is \`${state}\`, and nothing names it`);
    }
  }
  return value as KeyRingDocument;

  function checkVersion(name: string, found: unknown): void {
    const path = join('versions', name);
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) fail('versions', 'has a name that is no version');
    const version = fieldsOf(found) ?? fail(path, 'must be an object');
    const state = text(version, path, 'state');
    if (!STATES.includes(state as VersionState)) fail(join(path, 'state'), `must be one of ${STATES.join(', ')}`);
    text(version, path, 'cipher');
    strings(version, path, 'encryptionContext');
    if (own(version, 'metadata') !== undefined) strings(version, path, 'metadata');
    if (own(version, 'rotationId') !== undefined) text(version, path, 'rotationId');
    moment(version, path, 'notAfter');
    moment(version, path, 'revertedAt');
    if (typeof own(version, 'createdAt') !== 'string') fail(join(path, 'createdAt'), 'must be a string');
    // While it is being minted nothing is known of a key.
    if (own(version, 'ciphertext') === undefined) return;
    text(version, path, 'ciphertext');
    text(version, path, 'keyId');
    const fingerprint = own(version, 'fingerprint');
    if (typeof fingerprint !== 'string' || !/^[0-9a-f]{8}$/.test(fingerprint)) {
      fail(join(path, 'fingerprint'), 'must be 8 hex digits');
    }
  }
}

/** A version by its name: `constructor` is none. */
export function versionOf(ring: KeyRingDocument, name: string | undefined): RingVersion | undefined {
  return name !== undefined && Object.hasOwn(ring.versions, name) ? ring.versions[name] : undefined;
}

/** Later versions after earlier ones: `v10` after `v9`. */
export function byName(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

function broken(store: string, path: string | undefined, what: string): KeyProviderError {
  const where = path === undefined ? '' : path === '' ? '' : ` at \`${path}\``;
  return new KeyProviderError(`The key ring is invalid${where}: it ${what}.`, { provider: store });
}

function textExpected(found: unknown): string {
  return found === undefined
    ? 'is missing'
    : `must be a non-empty string, got ${found === '' ? "''" : describeType(found)}`;
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

function own(holder: Fields, name: string): unknown {
  // `null` is not taken for a field that is missing: whoever reads the document later would take it for a value.
  return Object.hasOwn(holder, name) ? holder[name] : undefined;
}

function isMoment(value: unknown): boolean {
  return typeof value === 'string' && /^\d{4}-\d{2}-\d{2}T[0-9:.]+Z$/.test(value) && !Number.isNaN(Date.parse(value));
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
