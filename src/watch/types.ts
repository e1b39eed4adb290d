/** Something unusual about the use of a key. */
export interface Alert {
  /**
   * `spike`: far more calls than usual. `rejections`: the price API refuses the key again and again. `age`: the key is old,
   * or nearly. `unused`: no call for long. `usage-mismatch`: the price API counts more use of the key than these clients
   * made. `break-glass`: a key of an emergency store is in use.
   */
  kind: 'spike' | 'rejections' | 'age' | 'unused' | 'usage-mismatch' | 'break-glass';
  /** `critical`: somebody should look now. */
  severity: 'warning' | 'critical';
  /** The client's `name`; with `usage` that of the first client. */
  client: string;
  /** Version of the key held, if one is. */
  version?: string | undefined;
  /** Time of the alert, in epoch ms. */
  at: number;
  /**
   * The number seen: calls or refusals in a window, the key's age or the time without a call in ms, uses that the price API
   * counted, or the end of the emergency key in epoch ms.
   */
  value: number;
  /** The number expected, or the limit that was passed, in the same unit. */
  expected?: number | undefined;
}

/** Options of {@link watch}. Durations are in ms. */
export interface WatchOptions {
  /** Length of a window in which calls are counted, from 1_000. Default 60_000. */
  window?: number | undefined;
  /** How many times the usual number of calls is a spike, above 1. Default 5. */
  factor?: number | undefined;
  /** Number of calls in a window below which nothing is a spike, from 1. Default 100. */
  min?: number | undefined;
  /** Number of windows to learn from before a spike can be told, from 1. Default 30. */
  warmUp?: number | undefined;
  /** Age of a key at which it must be rotated, from 1. Only stores that tell `createdAt` can be watched. Default 90 days. */
  maxAge?: number | undefined;
  /** Time before `maxAge` at which a first alert comes, from 0. Default 14 days. */
  warnBefore?: number | undefined;
  /** Time without a call after which a key counts as unused, from 1. Default 30 days. */
  unusedAfter?: number | undefined;
  /** Number of refusals in a window that is too many, from 1. Default 10. */
  rejections?: number | undefined;
  /**
   * Compares the price API's own count of the key's use with these clients', the one sign of theft that a client can see.
   * A refused call counts as two uses here, because most are made once more.
   */
  usage?:
    | {
        /** Resolves to the number of uses counted so far, without those of the fleet's other processes. It may fail. */
        read(options: { signal: AbortSignal }): Promise<{
          /** Number of uses, from 0. */
          used: number;
        }>;
        /** Number of further uses that means nothing, from 0. */
        tolerance: number;
        /** Time in ms from one count to the next, from 1_000. */
        every: number;
      }
    | undefined;
  /** Called with each alert. What it throws goes to the diagnostics channel `goldkey:listener-failed`. Required. */
  onAlert(alert: Alert): void;
  /**
   * Kinds of alert that hold the client: its calls fail with a `KeyHeldError`, and the key is zeroed, until `release()`.
   * Never `age` or `unused`, which are no attack. Default none.
   */
  failSafe?: ReadonlyArray<Alert['kind']> | undefined;
}
