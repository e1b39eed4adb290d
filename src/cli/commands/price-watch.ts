import { delay, isGoldKeyError, systemClock } from '../../core/index.js';
import type { PriceApiError, PriceApiErrorKind } from '../../prices/index.js';
import { CommandError, InterruptedError, listErrors } from '../errors.js';
import type { CliIo } from '../io.js';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
const OUTPUT_ENDS = ['error', 'close'] as const;

/**
 * Runs rounds until SIGTERM or the end of the output's reader, each of which is a success, or Ctrl-C. A round starts every
 * `interval` ms, or at the next multiple of it after a longer round; no two rounds overlap. `onError` gets the error of
 * a failed round that another follows.
 */
export async function runRounds(
  { io, interval, onError }: { io: CliIo; interval: number; onError: (error: unknown) => void },
  run: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { clock = systemClock } = io;
  const ending = new AbortController();
  const { signal } = ending;
  const end = (): void => {
    // Removed at once, so that a second signal ends the process even if something is still closing.
    for (const name of SIGNALS) io.off?.(name, end);
    ending.abort();
  };
  for (const name of SIGNALS) io.on?.(name, end);
  for (const name of OUTPUT_ENDS) io.stdout.on(name, end);
  try {
    let due = clock.monotonic();
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      await run(signal).catch((error: unknown) => {
        if (signal.aborted) return;
        // A terminal in raw mode sends no signal for Ctrl-C: a prompt rejects with an error.
        const isInterrupt = listErrors(error).some(
          (cause) => cause instanceof InterruptedError || cause instanceof CommandError,
        );
        if (isInterrupt || (isFirst && isPermanent(error))) throw error;
        onError(error);
      });
      const now = clock.monotonic();
      due += interval;
      if (due < now) due += Math.ceil((now - due) / interval) * interval;
      // Rejects only on abort.
      await delay(clock, Math.ceil(due - now), signal).catch(() => undefined);
    }
  } finally {
    end();
    for (const name of OUTPUT_ENDS) io.stdout.off(name, end);
  }
}

/** The kinds of price API errors that pass, although only after longer than a retry. */
const PASSING: ReadonlySet<PriceApiErrorKind> = new Set(['quota', 'implausible']);

/** Tells whether no round can succeed after this error of the first one. */
function isPermanent(error: unknown): boolean {
  if (isGoldKeyError(error, 'ERR_GOLDKEY_PRICE_API') && PASSING.has((error as PriceApiError).kind)) return false;
  return !isGoldKeyError(error) || !error.retryable;
}
