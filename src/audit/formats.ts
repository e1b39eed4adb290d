import type { AuditEvent, AuditRecord } from './types.js';

/** OCSF's class API Activity. */
const API_ACTIVITY = 6003;
/** Activities of that class. */
const [READ, UPDATE, DELETE, OTHER] = [2, 3, 4, 99] as const;

const ACTIVITIES: Partial<Record<AuditEvent, number>> = {
  'key.loaded': READ,
  'key.load-failed': READ,
  'key.used': READ,
  'key.rejected': READ,
  'key.repaired': READ,
  'key.stale': READ,
  'key.evicted': DELETE,
  'rotation.step': UPDATE,
};
/** The Elastic Common Schema's types of these activities, for its category `api`. */
const EVENT_TYPES: Readonly<Record<number, string>> = { [READ]: 'access', [UPDATE]: 'change', [DELETE]: 'deletion' };
const SEVERITIES = { info: 1, warning: 3, critical: 5 } as const;

/**
 * Returns a record as an OCSF event of the class API Activity (6003), for `format`. What OCSF has no place for, the chain
 * included, stands under `unmapped`.
 *
 * @param record - the record
 * @returns the event, for JSON
 * @example
 * ```ts
 * import { audit, streamSink, toOcsf } from 'goldkey/audit';
 *
 * const log = audit(gold, streamSink(process.stdout), { format: toOcsf });
 * ```
 */
export function toOcsf(record: AuditRecord): object {
  const { id, seq, time, event, outcome, severity, client, provider, keyId, requestId, code, durationMs } = record;
  const { host, pid, actor, uses, since, ...rest } = record;
  const activity = ACTIVITIES[event] ?? OTHER;
  return {
    activity_id: activity,
    ...(activity === OTHER && { activity_name: event }),
    category_uid: 6,
    class_uid: API_ACTIVITY,
    type_uid: API_ACTIVITY * 100 + activity,
    severity_id: SEVERITIES[severity],
    status_id: outcome === 'success' ? 1 : 2,
    time: Date.parse(time),
    ...(since !== undefined && { start_time: Date.parse(since), end_time: Date.parse(time) }),
    ...(durationMs !== undefined && { duration: durationMs }),
    ...(uses !== undefined && { count: uses }),
    metadata: { version: '1.6.0', uid: id, sequence: seq, product: { name: 'goldkey', vendor_name: 'goldkey' } },
    actor: { app_name: client, process: { pid, name: client }, ...(actor !== undefined && { user: { name: actor } }) },
    api: {
      operation: event,
      service: { name: provider },
      ...(requestId !== undefined && { request: { uid: requestId } }),
      ...(code !== undefined && { response: { error: code } }),
    },
    src_endpoint: { hostname: host },
    ...(keyId !== undefined && { resources: [{ uid: keyId, type: 'key' }] }),
    unmapped: listRest(rest, host, pid),
  };
}

/**
 * Returns a record as an event of the Elastic Common Schema, for `format`. What ECS has no place for, the chain included,
 * stands under `goldkey`.
 *
 * @param record - the record
 * @returns the event, for JSON
 * @example
 * ```ts
 * import { audit, streamSink, toEcs } from 'goldkey/audit';
 *
 * const log = audit(gold, streamSink(process.stdout), { format: toEcs });
 * ```
 */
export function toEcs(record: AuditRecord): object {
  const { id, seq, time, event, outcome, client, provider, code, durationMs, since } = record;
  const { host, pid, actor, ...rest } = record;
  return {
    '@timestamp': time,
    'ecs.version': '8.11.0',
    event: {
      id,
      kind: event === 'alert' ? 'alert' : 'event',
      category: ['api'],
      type: [EVENT_TYPES[ACTIVITIES[event] ?? OTHER] ?? 'info'],
      action: event,
      outcome,
      sequence: seq,
      provider,
      ...(code !== undefined && { code }),
      ...(durationMs !== undefined && { duration: durationMs * 1_000_000 }),
      ...(since !== undefined && { start: since, end: time }),
    },
    host: { hostname: host },
    process: { pid },
    service: { name: client },
    ...(actor !== undefined && { user: { name: actor } }),
    goldkey: listRest(rest, host, pid),
  };
}

/** Returns the fields that another schema has no place for, and those that prove the chain. */
function listRest(record: Partial<AuditRecord>, host: string, pid: number): object {
  const { time: _time, id: _id, outcome: _outcome, code: _code, durationMs: _durationMs, ...rest } = record;
  return { ...rest, host, pid };
}
