import type { GoldKeyErrorCode, KeyEventBase, KeyEvents } from '../core/index.js';
import { context, SpanKind, SpanStatusCode, type EventLogger, type Histogram, type Tracer } from './api.js';

/** The buckets that OpenTelemetry's conventions give for the duration of a remote call, in seconds. */
export const DURATION_BUCKETS: number[] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** Severities of OpenTelemetry's log records. */
const SEVERITIES = { INFO: 9, WARN: 13, FATAL: 21 } as const;

/** Where the telemetry of events goes. */
export interface EventTargets {
  readonly tracer: Tracer;
  readonly loadDuration: Histogram;
  readonly logger: EventLogger | undefined;
  noteRevert(name: string, provider: string): void;
}

/** Functions that are called on each event. */
export type EventHandlers = { readonly [E in keyof KeyEvents]?: (payload: KeyEvents[E]) => void };

/** The events of a key store that several clients share: each client is told of the same one. */
export const SHARED_EVENTS: ReadonlySet<string> = new Set(
  Object.keys({ loaded: 0, 'load-failed': 0, stale: 0, evicted: 0, 'break-glass': 0 } satisfies Partial<
    Record<keyof KeyEvents, 0>
  >),
);

type Attributes = Record<string, string | number>;

/** Creates the functions that turn events into spans, log records and durations. */
export function createEventHandlers({ tracer, loadDuration, logger, noteRevert }: EventTargets): EventHandlers {
  /** The stages that serve a stale key. */
  const stale = new Set<string>();

  const log = (
    name: string,
    severityText: keyof typeof SEVERITIES,
    body: string,
    payload: KeyEventBase,
    more: Attributes = {},
  ): void =>
    logger?.emit({
      eventName: `goldkey.key.${name}`,
      timestamp: new Date(payload.at),
      severityNumber: SEVERITIES[severityText],
      severityText,
      body,
      attributes: { ...describeKey(payload), ...more },
    });

  const endLoad = (
    payload: KeyEventBase & { duration: number },
    { code, ...more }: Attributes & { code?: GoldKeyErrorCode },
  ): void => {
    const failure: Attributes = code === undefined ? {} : { 'error.type': code };
    loadDuration.record(payload.duration / 1_000, { ...describeStage(payload), ...failure });
    // Made after the fact, in the context of the load: no load has to be wrapped.
    const span = tracer.startSpan(
      'goldkey.key.load',
      {
        kind: SpanKind.INTERNAL,
        // A number below the uptime would be taken for one of performance.now().
        startTime: new Date(payload.at - payload.duration),
        attributes: { ...describeKey(payload), ...more, ...failure },
      },
      context.active(),
    );
    if (code !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(new Date(payload.at));
  };

  return {
    loaded: (payload) => {
      stale.delete(nameStage(payload));
      const { keyId, requestId } = payload;
      endLoad(payload, {
        ...(keyId !== undefined && { 'goldkey.key_id': keyId }),
        ...(requestId !== undefined && { 'aws.request_id': requestId }),
      });
    },
    'load-failed': (payload) => endLoad(payload, { code: payload.error.code }),
    evicted: (payload) => {
      stale.delete(nameStage(payload));
    },
    closed: (payload) => {
      for (const stage of ['current', 'pending', 'previous'] as const) stale.delete(nameStage({ ...payload, stage }));
    },
    'key-rejected': (payload) =>
      log('rejected', 'WARN', 'The price API refused the key.', payload, { 'goldkey.count': payload.count }),
    repaired: (payload) =>
      log('repaired', 'INFO', 'A refused call went through with another key.', payload, {
        'goldkey.from_version': payload.from,
      }),
    stale: (payload) => {
      // Once a change of the state, and not once a second.
      const stage = nameStage(payload);
      if (stale.has(stage)) return;
      stale.add(stage);
      const { error } = payload;
      log('stale', 'WARN', 'A key past its expiry serves, because the key store is down or slow.', payload, {
        ...(error !== undefined && { 'error.type': error.code }),
      });
    },
    'break-glass': (payload) =>
      log('break_glass', 'FATAL', 'The key of the emergency store is in use.', payload, {
        'goldkey.until': new Date(payload.until).toISOString(),
      }),
    'rollout-reverted': (payload) => {
      noteRevert(payload.name, payload.provider);
      log('rollout_reverted', 'WARN', 'This client left the canary: its key was refused.', payload, {
        'goldkey.rejections': payload.rejections,
      });
    },
  };
}

function describeStage({ name, provider, stage }: KeyEventBase): Attributes {
  return {
    'goldkey.client': name,
    'goldkey.provider': provider,
    ...(stage !== undefined && { 'goldkey.stage': stage }),
  };
}

/** Versions are for spans and log records: as attributes of metrics they would make a series each. */
function describeKey(payload: KeyEventBase): Attributes {
  const { version } = payload;
  return { ...describeStage(payload), ...(version !== undefined && { 'goldkey.version': version }) };
}

function nameStage({ name, provider, stage }: KeyEventBase): string {
  return JSON.stringify([name, provider, stage]);
}
