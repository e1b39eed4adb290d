import { delay, isGoldKeyError, type Clock } from '../../core/index.js';
import type { PriceApiError, PriceApiErrorKind } from '../../prices/index.js';
import { duration } from '../options/duration.js';
import { CommandError, UsageError } from '../errors.js';
import type { CliIo } from '../io.js';

const USUAL = 60_000;
const SHORTEST = 1_000;
/** A timer of Node.js holds no more than 24.8 days. */
const LONGEST = 24 * 86_400_000;

/** What is done again and again. */
export interface Rounds {
  round(signal: AbortSignal): Promise<void>;
  /** Told when a round has failed and there will be another. */
  failed(error: unknown): void;
}

/** What `--watch` says, in ms; `undefined` when it was not given. */
export function intervalOf(option: string | true | undefined): number | undefined {
  if (option === undefined) return undefined;
  if (option === true) return USUAL;
  const interval = duration('--watch', option);
  if (interval < SHORTEST || interval > LONGEST) throw new UsageError('--watch must be from 1s to 24d.');
  return interval;
}

/**
 * Runs rounds until SIGINT, SIGTERM, or until nobody reads the output any more: all of them are a good end. A round starts
 * every `interval` ms, or at the next multiple of it when the one before took longer; no two run at once.
 */
export async function watch(io: CliIo, clock: Clock, interval: number, { round, failed }: Rounds): Promise<void> {
  const ending = new AbortController();
  const { signal } = ending;
  const end = (): void => {
    // Now, so that a second Ctrl-C ends the process whatever is still closing.
    for (const name of ['SIGINT', 'SIGTERM'] as const) io.off?.(name, end);
    ending.abort();
  };
  for (const name of ['SIGINT', 'SIGTERM'] as const) io.on?.(name, end);
  for (const name of ['error', 'close'] as const) io.stdout.on(name, end);
  try {
    let due = clock.monotonic();
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      await round(signal).catch((error: unknown) => {
        if (signal.aborted) return;
        if (isInterrupted(error) || (isFirst && isLasting(error))) throw error;
        failed(error);
      });
      const now = clock.monotonic();
      due += interval;
      if (due < now) due += Math.ceil((now - due) / interval) * interval;
      // Rejects only when it is to end.
      await delay(clock, Math.ceil(due - now), signal).catch(() => undefined);
    }
  } finally {
    end();
    for (const name of ['error', 'close'] as const) io.stdout.off(name, end);
  }
}

// No fault of the configuration, though it takes longer to pass than most.
const PASSING: ReadonlySet<PriceApiErrorKind> = new Set(['quota', 'implausible']);

/** Whether a first failure says that there will be no good round after it either. */
function isLasting(error: unknown): boolean {
  if (isGoldKeyError(error, 'ERR_GOLDKEY_PRICE_API') && PASSING.has((error as PriceApiError).kind)) return false;
  return !isGoldKeyError(error) || !error.retryable;
}

/** Whether somebody has left the prompt for an MFA code: there Ctrl-C is typed, and is no signal. */
function isInterrupted(error: unknown): boolean {
  let next = error;
  for (let depth = 0; depth < 8 && next instanceof Error; depth++) {
    if (next instanceof CommandError) return true;
    next = next.cause;
  }
  return false;
}
