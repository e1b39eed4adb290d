import { systemClock } from '../core/index.js';
import type { CliIo } from './io.js';

const FRAMES = ['-', '\\', '|', '/'];
/** How long a command may take before it shows that it is running, in ms. */
const QUIET_MS = 500;
const FRAME_MS = 120;
/** Goes to the start of the line, and clears it. */
export const CLEAR_LINE = '\r\u001B[K';

/** The spinners that show, or will; a prompt or a message clears its own. */
const running = new WeakMap<CliIo, { stop(): void }>();

/** Shows on a terminal, after half a second, that `work` goes on. Settles as `work` does. */
export async function showProgress<T>(io: CliIo, text: string, work: Promise<T>): Promise<T> {
  if (io.stderr.isTTY !== true || io.env['TERM'] === 'dumb' || running.has(io)) return work;
  const clock = io.clock ?? systemClock;
  let frame = 0;
  const show = (): void => {
    io.stderr.write(`${CLEAR_LINE}${FRAMES[frame++ % FRAMES.length] ?? ''} ${text}`);
    timer = clock.setTimeout(show, FRAME_MS, { unref: true });
  };
  let timer = clock.setTimeout(show, QUIET_MS, { unref: true });
  running.set(io, {
    stop() {
      timer.cancel();
      if (frame > 0) io.stderr.write(CLEAR_LINE);
      running.delete(io);
    },
  });
  try {
    return await work;
  } finally {
    clearSpinner(io);
  }
}

/** Removes the spinner for good, so that something else can be printed. */
export function clearSpinner(io: CliIo): void {
  running.get(io)?.stop();
}
