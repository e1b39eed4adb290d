import type { Readable, Writable } from 'node:stream';
import { styleText as formatStyle } from 'node:util';
import type { Clock } from '../core/index.js';

/** A signal that ends a command. */
export type EndSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** The streams and the environment of a command line; a test brings its own. */
export interface CliIo {
  readonly stdin: Readable & { readonly isTTY?: boolean | undefined; setRawMode?(raw: boolean): unknown };
  readonly stdout: Writable & { readonly isTTY?: boolean | undefined };
  readonly stderr: Writable & { readonly isTTY?: boolean | undefined };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Adds a listener to a signal. */
  on?(event: EndSignal, listener: (signal: EndSignal) => void): unknown;
  off?(event: EndSignal, listener: (signal: EndSignal) => void): unknown;
  /** Default: the system's clock. */
  readonly clock?: Clock | undefined;
}

/** One run of the command line. */
export interface CliRun {
  readonly io: CliIo;
  readonly argv: readonly string[];
  /** The keys that the run has read, so that none shows in a message. */
  readonly secrets: string[];
  exitCode: number;
}

/** Prints a line on stdout, which holds results only. */
export function print(io: CliIo, text: string): void {
  io.stdout.write(`${text}\n`);
}

/** Prints a line on stderr, which holds everything but results. */
export function tell(io: CliIo, text: string): void {
  io.stderr.write(`${text}\n`);
}

/** Prints a result: `value` as one line of JSON with `--json`, else `text`. */
export function printResult(io: CliIo, json: boolean | undefined, value: unknown, text: string): void {
  print(io, json === true ? JSON.stringify(value) : text);
}

type Style = 'bold' | 'red' | 'green' | 'yellow' | 'dim';

/** Styles `text` for a terminal; returns it unchanged for a pipe or with `NO_COLOR`. */
export function styleText(io: CliIo, to: 'stdout' | 'stderr', style: Style, text: string): string {
  const isPlain = io[to].isTTY !== true || (io.env['NO_COLOR'] ?? '') !== '' || io.env['TERM'] === 'dumb';
  // Node.js would ask its own stdout whether to style.
  return isPlain ? text : formatStyle(style, text, { validateStream: false });
}
