import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../core/index.js';

/** What the command line talks to; a test brings its own. */
export interface CliIo {
  readonly stdin: Readable & { readonly isTTY?: boolean | undefined; setRawMode?(raw: boolean): unknown };
  readonly stdout: Writable & { readonly isTTY?: boolean | undefined };
  readonly stderr: Writable & { readonly isTTY?: boolean | undefined };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Tells of the signals that end what would go on; only such commands listen. */
  on?(event: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  off?(event: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
}

/** Results go to stdout. */
export function print(io: CliIo, text: string): void {
  io.stdout.write(`${text}\n`);
}

/** Everything that is no result goes to stderr. */
export function tell(io: CliIo, text: string): void {
  io.stderr.write(`${text}\n`);
}

/** A result: one line of JSON with `--json`, else `text`. */
export function result(io: CliIo, json: boolean | undefined, value: unknown, text: () => string): void {
  print(io, json === true ? JSON.stringify(value) : text());
}

type Style = 'bold' | 'red' | 'green' | 'dim';
const CODES: Readonly<Record<Style, readonly [number, number]>> = {
  bold: [1, 22],
  red: [31, 39],
  green: [32, 39],
  dim: [2, 22],
};

/** Styles `text` on a terminal that wants it: never in a pipe, never with `NO_COLOR`. */
export function styled(io: CliIo, to: 'stdout' | 'stderr', style: Style, text: string): string {
  const plain = io[to].isTTY !== true || (io.env['NO_COLOR'] ?? '') !== '' || io.env['TERM'] === 'dumb';
  const [on, off] = CODES[style];
  return plain ? text : `\u001B[${String(on)}m${text}\u001B[${String(off)}m`;
}
