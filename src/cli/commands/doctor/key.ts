import { copyBytes, isGoldKeyError, raceAbort, type EncryptionContext } from '../../../core/index.js';
import { isPriceApiError } from '../../../prices/price-api-error.js';
import { KeyRotationManager, type RotationStatus } from '../../../rotation/index.js';
import { RING_BINDING } from '../../../rotation/ring/decrypt-version.js';
import { createProbe } from '../../options/price-api.js';
import { openRing } from '../../options/ring-url.js';
import { checkVersion, chooseVersion, loadStoredKey, openStore } from '../../options/store.js';
import { NO_CIPHER } from '../rotate.js';
import { formatAge } from '../rotation-status.js';
import { ok, skip, warn, type Finding } from './check.js';
import { repairPermission } from './kms.js';
import { formatCommand, formatStoring } from './repair.js';
import type { Setup } from './setup.js';

/** The stores that no policy protects. */
const PROTECTED_BY_MODE = ['local', 'file', 'env'];
const DEFAULT_MAX_AGE_MS = 90 * 86_400_000;

/** Reads the key as a client does. It is zeroed at once, unless a price API is to be asked with it. */
export async function checkContext(setup: Setup, signal: AbortSignal): Promise<Finding> {
  const { run, options, facts } = setup;
  const asked = chooseVersion(run.io, options);
  const store = await openStore(run.io, options, { version: asked });
  const loading = loadStoredKey(run.io, store, options);
  const {
    bytes,
    version,
    fingerprint = '',
    createdAt,
  } = await raceAbort(loading, signal, (late) => void late.bytes.fill(0));
  run.secrets.push(Buffer.from(bytes).toString('latin1'));
  const { length } = bytes;
  if (options.api !== undefined || options.apiUrl !== undefined) facts.key = copyBytes(bytes);
  bytes.fill(0);
  checkVersion(version, asked, options.ring);
  Object.assign(facts, { fingerprint, createdAt });
  return ok(`version ${String(version)}, fingerprint ${fingerprint}, ${String(length)} characters`);
}

/** Returns the command that repairs a key which cannot be read. */
export async function repairContext(setup: Setup, error: unknown): Promise<string | undefined> {
  const { options, kind } = setup;
  if (!isGoldKeyError(error)) return undefined;
  if (error.code === 'ERR_GOLDKEY_ACCESS_DENIED' && !PROTECTED_BY_MODE.includes(kind))
    return repairPermission(setup, error);
  if (!['ERR_GOLDKEY_DECRYPT', 'ERR_GOLDKEY_FORMAT', 'ERR_GOLDKEY_NOT_FOUND'].includes(error.code)) return undefined;
  const encryptionContext = await readRecordedContext(setup).catch(() => undefined);
  if (encryptionContext !== undefined) return formatCommand('goldkey doctor', { ...options, encryptionContext });
  return formatStoring(options);
}

/** Returns the context that the ring's current version was encrypted with, where it differs from the one given. */
async function readRecordedContext({ run, options }: Setup): Promise<EncryptionContext | undefined> {
  if (options.ring === undefined) return undefined;
  const { ring } = await openRing(run.io, options);
  try {
    const found = (await ring.read())?.ring;
    const { [RING_BINDING]: _, ...recorded } = found?.versions[found.current]?.encryptionContext ?? {};
    const { encryptionContext: given = {} } = options;
    const differs = Object.keys({ ...recorded, ...given }).some((name) => recorded[name] !== given[name]);
    return found !== undefined && differs ? recorded : undefined;
  } finally {
    await ring.close?.();
  }
}

/** Reads the state of the ring. */
export async function readRingStatus({ run, options, clock }: Setup): Promise<RotationStatus> {
  const opened = await openRing(run.io, options);
  try {
    return await new KeyRotationManager({ ...opened, cipher: NO_CIPHER, clock }).status();
  } finally {
    await opened.ring.close?.();
  }
}

/** Checks that the key is not older than `--max-age`. */
export function checkKeyAge({ options, facts, clock }: Setup, status: RotationStatus | undefined): Finding {
  const { maxAge = DEFAULT_MAX_AGE_MS } = options;
  const { createdAt } = facts;
  const recorded = status?.versions.find(({ version }) => version === status.current)?.age;
  const age = recorded ?? (createdAt === undefined ? undefined : clock.now() - createdAt);
  if (age === undefined) return skip('the store does not record when a key was made; a ring does');
  const text = age === Infinity ? 'of unknown age' : `${formatAge(age)} old`;
  return age <= maxAge
    ? ok(text)
    : warn(`The key is ${text}, and may be ${formatAge(maxAge)}.`, formatStoring(options));
}

/** Checks that no rotation was interrupted, reverted or left without its last step. */
export function checkRotation({ options, clock }: Setup, status: RotationStatus): Finding {
  const { current, pending, previous, previousUntil = Infinity, revertedAt, versions, nextStep } = status;
  const repair = (step: string): string => formatCommand(`goldkey rotate ${step}`, options);
  if (revertedAt !== undefined) {
    return warn(`Clients gave up on ${String(pending)}, the staged key.`, repair('revert'));
  }
  if (versions.some(({ version, fingerprint }) => version === pending && fingerprint === '')) {
    return warn(`The rotation was interrupted while ${String(pending)} was made.`, repair('revert'));
  }
  if (previous !== undefined && previousUntil < clock.now()) {
    return warn(`The old key, ${previous}, is kept although its overlap is over.`, repair('retire'));
  }
  return ok(`${current} is in use; next: ${nextStep}`);
}

/** Asks the price API for one price with the key. */
export async function checkPriceApi({ run, options, facts }: Setup, signal: AbortSignal): Promise<Finding> {
  const probe = await createProbe(run.io, options);
  if (probe === undefined) return skip('needs --api');
  await probe(Buffer.from(facts.key ?? []).toString('utf8'), { signal });
  return ok('the price API accepts the key');
}

/** Returns the command that repairs a key which the price API refuses. */
export function repairPriceApi({ options }: Setup, error: unknown): string | undefined {
  return isPriceApiError(error) && error.kind === 'key-rejected' ? formatStoring(options) : undefined;
}

/** Returns the command that makes the ring, if there is none. */
export function repairRing({ options }: Setup, error: unknown): string | undefined {
  return isGoldKeyError(error, 'ERR_GOLDKEY_ROTATION') ? formatCommand('goldkey rotate init', options) : undefined;
}
