import { describe, expect, it } from 'vitest';
import { toEcs, toOcsf, type AuditEvent, type AuditRecord } from '../../src/audit/index.js';

const EVENTS: readonly AuditEvent[] = [
  ...([
    'key.loaded',
    'key.load-failed',
    'key.used',
    'key.rejected',
    'key.repaired',
    'key.stale',
    'key.evicted',
  ] as const),
  ...(['gate.closed', 'rollout.reverted', 'break-glass', 'rotation.step', 'alert'] as const),
  ...(['checkpoint', 'opened', 'closed'] as const),
];

const record: AuditRecord = {
  v: 1,
  id: '0c1f9c7e-6a0b-4c1e-9a53-8f0d6f1d2a11',
  seq: 7,
  time: '2026-11-27T01:02:03.004Z',
  event: 'key.loaded',
  outcome: 'success',
  severity: 'info',
  client: 'gold',
  provider: 'aws-kms',
  stage: 'current',
  version: 'v3',
  fingerprint: '935a2725',
  keyId: 'arn:aws:kms:us-east-1:111122223333:key/x',
  requestId: 'r-1',
  durationMs: 12,
  host: 'host-1',
  pid: 42,
  actor: 'gold-data-stream',
  prev: 'p',
};

/** What the schema of OCSF requires of the class API Activity, by path. */
const REQUIRED = [
  ...['activity_id', 'category_uid', 'class_uid', 'severity_id', 'time', 'type_uid'],
  ...['metadata', 'metadata.product', 'metadata.version', 'actor', 'api', 'api.operation', 'src_endpoint'],
];

describe('toOcsf', () => {
  it.each(EVENTS)('%s has all that the class requires, with values that it knows', (event) => {
    for (const severity of ['info', 'warning', 'critical'] as const) {
      for (const outcome of ['success', 'failure'] as const) {
        const given = JSON.parse(JSON.stringify(toOcsf({ ...record, event, severity, outcome }))) as Record<
          string,
          number
        >;

        for (const path of REQUIRED) expect(given, path).toHaveProperty(path);
        expect(given).toMatchObject({ class_uid: 6003, category_uid: 6, time: Date.parse(record.time) });
        expect(given['type_uid']).toBe(600_300 + (given['activity_id'] ?? 0));
        expect([1, 2, 3, 4, 99]).toContain(given['activity_id']);
        expect([1, 3, 5]).toContain(given['severity_id']);
        expect(given['status_id']).toBe(outcome === 'success' ? 1 : 2);
        expect(given['activity_id'] === 99).toBe('activity_name' in given);
      }
    }
  });

  it('a load is a read, with the request that joins it to CloudTrail, and the chain under `unmapped`', () => {
    expect(toOcsf(record)).toMatchObject({
      type_uid: 600_302,
      duration: 12,
      metadata: { uid: record.id, sequence: 7, product: { name: 'goldkey' } },
      actor: { user: { name: 'gold-data-stream' }, process: { pid: 42 } },
      api: { operation: 'key.loaded', service: { name: 'aws-kms' }, request: { uid: 'r-1' } },
      src_endpoint: { hostname: 'host-1' },
      resources: [{ uid: record.keyId }],
      unmapped: { event: 'key.loaded', seq: 7, prev: 'p', host: 'host-1', pid: 42, version: 'v3' },
    });
  });

  it('uses have their number and their time, a failure its code', () => {
    const { actor: _actor, keyId: _keyId, requestId: _requestId, durationMs: _durationMs, ...rest } = record;
    const used = toOcsf({ ...rest, event: 'key.used', uses: 5, since: '2026-11-27T01:01:03.004Z' });
    expect(used).toMatchObject({
      count: 5,
      start_time: Date.parse(record.time) - 60_000,
      end_time: Date.parse(record.time),
    });
    expect(toOcsf({ ...rest, event: 'key.load-failed', code: 'ERR_GOLDKEY_DECRYPT' })).toMatchObject({
      api: { response: { error: 'ERR_GOLDKEY_DECRYPT' } },
    });
    for (const absent of ['duration', 'resources']) expect(used).not.toHaveProperty(absent);
  });
});

describe('toEcs', () => {
  it.each(EVENTS)('%s is of the category `api`, and of a type that ECS lists for it', (event) => {
    // https://www.elastic.co/docs/reference/ecs/ecs-allowed-values-event-category, the same in 8.11
    const types = ['access', 'admin', 'allowed', 'change', 'creation', 'deletion', 'denied', 'end', 'info', 'start'];
    const given = toEcs({ ...record, event }) as { event: { category: string[]; type: string[] } };

    expect(given.event.category).toEqual(['api']);
    expect(given.event.type).toEqual([expect.toBeOneOf(types)]);
  });

  it('a load is an access with its duration in nanoseconds, and the chain under `goldkey`', () => {
    expect(toEcs(record)).toMatchObject({
      '@timestamp': record.time,
      'ecs.version': '8.11.0',
      event: {
        ...{ id: record.id, kind: 'event', category: ['api'], type: ['access'], action: 'key.loaded' },
        ...{ outcome: 'success', sequence: 7, duration: 12_000_000, provider: 'aws-kms' },
      },
      host: { hostname: 'host-1' },
      process: { pid: 42 },
      service: { name: 'gold' },
      user: { name: 'gold-data-stream' },
      goldkey: {
        event: 'key.loaded',
        seq: 7,
        prev: 'p',
        host: 'host-1',
        pid: 42,
        requestId: 'r-1',
        keyId: record.keyId,
      },
    });
  });

  it('an alert is one, uses have their time, a failure its code', () => {
    const { actor: _actor, durationMs: _durationMs, ...rest } = record;
    expect(toEcs({ ...rest, event: 'alert' })).toMatchObject({ event: { kind: 'alert', type: ['info'] } });
    expect(toEcs({ ...rest, event: 'key.evicted' })).toMatchObject({ event: { type: ['deletion'] } });
    expect(toEcs({ ...rest, event: 'rotation.step' })).toMatchObject({ event: { type: ['change'] } });
    expect(toEcs({ ...rest, event: 'key.used', since: record.time, code: 'ERR_GOLDKEY_HELD' })).toMatchObject({
      event: { start: record.time, end: record.time, code: 'ERR_GOLDKEY_HELD' },
    });
    expect(toEcs(rest)).not.toHaveProperty('user');
  });
});
