import type { GoldKeyError } from './errors.js';
import type { Stage } from './types.js';

/** Fields of every event. */
export interface KeyEventBase {
  /** The client's `name`. */
  name: string;
  /** The key store's name. */
  provider: string;
  /** Version of the key. */
  version?: string | undefined;
  /** Stage of the key. */
  stage?: Stage | undefined;
  /** Time in epoch ms. */
  at: number;
}

/** The events of `on()` and of the diagnostics channels `goldkey:<event>`. No payload holds a key. */
export interface KeyEvents {
  /** A load succeeded. */
  loaded: KeyEventBase & {
    /** Time that the load took, in ms. */
    duration: number;
    /** 8 hex digits, equal on every host that holds the same key. */
    fingerprint: string;
    /** True if the bytes differ from the last ones. */
    changed: boolean;
    /** The master key that decrypted it, e.g. the ARN of a KMS key, if the store tells it. */
    keyId?: string | undefined;
    /** The store's name of the request, e.g. that of CloudTrail's record, if the store tells it. */
    requestId?: string | undefined;
  };
  /** A load failed. */
  'load-failed': KeyEventBase & {
    /** Time that the load took, in ms. */
    duration: number;
    /** The error that those who waited for the load get. */
    error: GoldKeyError;
    /** Time in ms until the next load may start. */
    retryAfter: number;
  };
  /** A key past its expiry was used because the store is down or slow. At most once a second and stage. */
  stale: KeyEventBase & {
    /** Time since the key was loaded, in ms. */
    age: number;
    /** Number of such uses since the last event. */
    count: number;
    /** The error of the last load, if it failed. */
    error?: GoldKeyError | undefined;
  };
  /** A key was dropped and zeroed. */
  evicted: KeyEventBase & {
    /** `'expired'`, the code of the error that forbids the key, what `evict()` was given, or `held: ` and a kind of alert. */
    reason: string;
  };
  /** The price API refused a key. At most once a second and stage. */
  'key-rejected': KeyEventBase & {
    /** Number of refusals since the last event. */
    count: number;
  };
  /** Calls fail at once from now on, but for one now and then. */
  'gate-closed': KeyEventBase & {
    /** Number of calls in a row that the price API refused. */
    refusals: number;
    /** Time in ms until a call is let through. */
    retryAfter: number;
  };
  /** Calls ask the price API again. */
  'gate-opened': KeyEventBase;
  /** A refused call went through with another key. */
  repaired: KeyEventBase & {
    /** The version that was refused. */
    from: string;
  };
  /** The function failed transiently and will run again. */
  retry: KeyEventBase & {
    /** Number of the run to come; the first run of a call is 1. */
    attempt: number;
    /** Time until then, in ms. */
    delay: number;
  };
  /** A trailing newline was removed from the key. */
  trimmed: KeyEventBase;
  /** The store's rollout changed. */
  'rollout-changed': KeyEventBase & {
    /** Share of instances that use `pending`, from 0 to 100. */
    pendingPercent: number;
  };
  /** This client left the canary. */
  'rollout-reverted': KeyEventBase & {
    /** Number of calls that were refused with the new key. */
    rejections: number;
  };
  /** A key of an emergency store serves. */
  'break-glass': KeyEventBase & {
    /** Always `'critical'`. */
    severity: 'critical';
    /** Time in epoch ms at which it ends. */
    until: number;
  };
  /** The client has closed. */
  closed: KeyEventBase;
}
