import { isError, readProperty, type KeyEvents, type Stage } from '../core/index.js';
import type { RecordDetails } from './usage.js';

type Details = Omit<RecordDetails, 'at' | 'client' | 'provider' | 'version' | 'stage'>;

const SUCCESS = { outcome: 'success', severity: 'info' } as const;
const WARNING = { outcome: 'failure', severity: 'warning' } as const;
const CRITICAL = { outcome: 'failure', severity: 'critical' } as const;

/** The record of each event of a client that has one. */
const DETAILS: { readonly [E in keyof KeyEvents]?: (payload: KeyEvents[E]) => Details } = {
  loaded: ({ duration, fingerprint, keyId, requestId }) => ({
    event: 'key.loaded',
    ...SUCCESS,
    fingerprint,
    keyId,
    requestId,
    durationMs: Math.round(duration),
  }),
  'load-failed': ({ duration, error }) => ({
    event: 'key.load-failed',
    ...(error.retryable ? WARNING : CRITICAL),
    code: error.code,
    requestId: findRequestId(error),
    durationMs: Math.round(duration),
  }),
  'key-rejected': ({ count }) => ({ event: 'key.rejected', ...WARNING, failures: count }),
  repaired: () => ({ event: 'key.repaired', ...SUCCESS, uses: 1 }),
  stale: ({ count, error }) => ({
    event: 'key.stale',
    outcome: 'success',
    severity: 'warning',
    uses: count,
    code: error?.code,
    requestId: findRequestId(error),
  }),
  evicted: () => ({ event: 'key.evicted', ...SUCCESS }),
  'gate-closed': ({ refusals }) => ({ event: 'gate.closed', ...CRITICAL, failures: refusals }),
  'rollout-reverted': ({ rejections }) => ({ event: 'rollout.reverted', ...WARNING, failures: rejections }),
  'break-glass': ({ severity }) => ({ event: 'break-glass', outcome: 'success', severity }),
};

/** Events that have a record. */
export const RECORDED_EVENTS = Object.keys(DETAILS) as Array<keyof typeof DETAILS & keyof KeyEvents>;

/** Returns the record of a client's event; `undefined` if it has none. */
export function describeEvent<E extends keyof KeyEvents>(event: E, payload: KeyEvents[E]): RecordDetails | undefined {
  const details = DETAILS[event]?.(payload);
  if (details === undefined) return undefined;
  const { at, name: client, provider, stage, version } = payload;
  return { at, client, provider, stage, version, ...details };
}

/** Returns the record of a message on `goldkey:rotation-step`. */
export function describeStep(message: unknown, now: number): RecordDetails {
  const kind = readText(message, 'step');
  const about = { client: readText(message, 'ring') ?? '', provider: 'goldkey/rotation' };
  return { at: now, event: 'rotation.step', ...SUCCESS, ...about, version: readText(message, 'version'), kind };
}

/** Returns the record of a message on `goldkey:alert`. */
export function describeAlert(message: unknown, now: number): RecordDetails {
  return {
    at: readNumber(message, 'at') ?? now,
    event: 'alert',
    outcome: 'failure',
    severity: readText(message, 'severity') === 'critical' ? 'critical' : 'warning',
    client: readText(message, 'client') ?? '',
    provider: 'goldkey/watch',
    version: readText(message, 'version'),
    stage: readText(message, 'stage') as Stage | undefined,
    kind: readText(message, 'kind'),
    value: readNumber(message, 'value'),
    expected: readNumber(message, 'expected'),
  };
}

/** Depth to which causes are searched. */
const MAX_CAUSES = 9;

/** Returns the store's name of the request that failed, from the AWS error down the chain of causes. */
function findRequestId(error: unknown): string | undefined {
  let next = error;
  for (let depth = 0; depth < MAX_CAUSES && isError(next); depth++) {
    const metadata = readProperty(next, '$metadata');
    const requestId = readText(metadata, 'requestId');
    if (requestId !== undefined) return requestId;
    next = readProperty(next, 'cause');
  }
  return undefined;
}

function readText(holder: unknown, name: string): string | undefined {
  const value = readValue(holder, name);
  return typeof value === 'string' ? value : undefined;
}

function readNumber(holder: unknown, name: string): number | undefined {
  const value = readValue(holder, name);
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function readValue(holder: unknown, name: string): unknown {
  return typeof holder === 'object' && holder !== null ? readProperty(holder, name) : undefined;
}
