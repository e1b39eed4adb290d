import type { CancellationSignal } from '../core/index.js';

/** A request, ready to be sent. */
export interface Outgoing {
  readonly origin: string;
  /** With the query, if there is one. */
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly signal: CancellationSignal;
}

/** A whole response. */
export interface Incoming {
  readonly status: number;
  /** Each value is an array if the header came more than once. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The value of the field that was asked for as bytes; it is not in the text. */
  readonly secret?: Uint8Array | undefined;
}

/** Returns the first value of a header. */
export function firstHeaderValue(header: Incoming['headers'][string]): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
