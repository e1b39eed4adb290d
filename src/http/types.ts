import type { CancellationSignal } from '../core/index.js';

/** A header as it came: some may come more than once. */
export type Header = string | string[] | undefined;

/** A request, ready to be sent. */
export interface Outgoing {
  readonly origin: string;
  /** With its query. */
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly signal: CancellationSignal;
  /** Told just before the first byte leaves: what fails without it has not been seen by the server. */
  readonly onSent?: (() => void) | undefined;
}

/** What came back, whole. */
export interface Incoming {
  readonly status: number;
  readonly headers: Readonly<Record<string, Header>>;
  readonly text: string;
}

/** The first value of a header that may have come more than once. */
export function firstOf(header: Header): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
