import {
  checkAnswer,
  checkStoreRequest,
  computeFingerprint,
  copyKey,
  describeType,
  getRequestClock,
  getStoreRequest,
  invalidType,
  KeyProviderError,
  raceAbort,
  zeroAnswer,
  type KeyProvider,
  type LoadedKey,
  type LoadRequest,
  type UnchangedKey,
} from '../core/index.js';
import { getAuditLog, type AuditLog } from './audit-log.js';
import type { Audit } from './types.js';

/**
 * Wraps a key store so that it fails closed: a key is handed over only after at least one sink has the record of its load.
 * If no sink takes it the bytes are zeroed and the load fails; a key that is held already serves on, for as long as
 * `staleIfError` allows. The rule holds at each load, and costs no call anything.
 *
 * @param provider - the store; closing the wrapper closes it
 * @param audit - the log, made before the client; `audit.add(client)` then brings the client's other records
 * @returns a store to give to the client in place of `provider`
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: not a store, or not a log made by `audit()`
 * @throws {KeyProviderError} `ERR_GOLDKEY_PROVIDER`, retryable, by a load: no sink has the record
 * @example
 * ```ts
 * import { KeyedClient } from 'goldkey';
 * import { audit, auditedProvider, fileSink } from 'goldkey/audit';
 * import { fromKms } from 'goldkey/kms';
 *
 * const log = audit([], fileSink('/var/log/gold/audit.ndjson'));
 * const client = new KeyedClient({
 *   keyProvider: auditedProvider(
 *     fromKms({
 *       ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
 *       encryptionContext: { service: 'gold-data-stream' },
 *       keyId: 'alias/gold-api-keys',
 *     }),
 *     log,
 *   ),
 * });
 * log.add(client);
 * ```
 */
export function auditedProvider(provider: KeyProvider, audit: Audit): KeyProvider {
  if (typeof (provider as Partial<KeyProvider> | null)?.load !== 'function') {
    throw invalidType(`\`provider\` must be a key store with a function \`load\`, got ${describeType(provider)}.`);
  }
  const log = typeof audit === 'object' && audit !== null ? getAuditLog(audit) : undefined;
  if (log === undefined) throw invalidType(`\`audit\` must be a log made by \`audit()\`, got ${describeType(audit)}.`);
  const audited: KeyProvider = {
    name: provider.name,
    plaintextAtRest: provider.plaintextAtRest,
    load: (request) => loadAudited(provider, audited, request, log),
  };
  if (provider.rollout !== undefined) audited.rollout = provider.rollout.bind(provider);
  if (provider.report !== undefined) audited.report = provider.report.bind(provider);
  if (provider.subscribe !== undefined) audited.subscribe = provider.subscribe.bind(provider);
  if (provider.close !== undefined) audited.close = provider.close.bind(provider);
  // Hidden properties, such as the seal of an emergency store.
  for (const name of Object.getOwnPropertySymbols(provider)) {
    Object.defineProperty(audited, name, Object.getOwnPropertyDescriptor(provider, name) as PropertyDescriptor);
  }
  log.addAuditedProvider(audited);
  return audited;
}

async function loadAudited(
  provider: KeyProvider,
  audited: KeyProvider,
  request: LoadRequest,
  log: AuditLog,
): Promise<LoadedKey | UnchangedKey | undefined> {
  const clock = getRequestClock(request);
  const startedAt = clock.monotonic();
  const answer = await provider.load(request);
  if (answer === undefined) return undefined;
  try {
    const { key, ...told } = describeAnswer(answer, provider.name);
    const details = {
      at: clock.now(),
      event: 'key.loaded',
      outcome: 'success',
      severity: 'info',
      stage: request.stage,
      ...told,
      durationMs: Math.round(clock.monotonic() - startedAt),
    } as const;
    await raceAbort(log.recordLoad(audited, details, key), request.signal).catch((cause: unknown) => {
      throw new KeyProviderError(
        'The key was not handed over, because no audit sink has the record of it; check the sinks, then try again.',
        { cause, provider: provider.name },
      );
    });
    return answer;
  } catch (error) {
    zeroAnswer(answer);
    throw error;
  }
}

/** Returns what a record says of an answer, and the key. Throws for one that shows the key, or that no client accepts. */
function describeAnswer(answer: LoadedKey | UnchangedKey, provider: string) {
  const about = { provider, version: answer.version };
  checkAnswer(answer, about);
  const { version } = answer;
  if (!('bytes' in answer)) return { version, key: undefined };
  const { bytes } = copyKey(answer.bytes, about);
  try {
    const told = checkStoreRequest(getStoreRequest(answer.bytes), bytes);
    const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    return { version, fingerprint: computeFingerprint(bytes), ...told, key };
  } finally {
    bytes.fill(0);
  }
}
