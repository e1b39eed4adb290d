import { backoffWindow, withRetries, type Clock, quote, hasSubscribers, publishOn } from '../../core/index.js';
import { withDeadline } from '../../util/deadline.js';
import { publishFailure } from '../ring/publish-failure.js';
import type { RingChange } from '../ring/types.js';

const RETRIES = 2;
const FIRST_PAUSE_MS = 200;
/** How long one call of a hook may take: a step that is written must not hang. */
const HOOK_TIMEOUT_MS = 10_000;

/** The message on the diagnostics channel `goldkey:notify-failed`: a change that a hook was not told. */
export interface NotifyFailure extends RingChange {
  /** The index of the hook in `notify`. */
  hook: number;
  /** The error of the hook's last call. */
  error: unknown;
}

/**
 * Calls every hook, each up to three times and for at most 10 s. A failed hook neither undoes the change nor stops the
 * other hooks: it is reported on the diagnostics channel `goldkey:notify-failed`, or, if that has no subscriber, as a
 * process warning.
 */
export async function notifyAll(
  hooks: ReadonlyArray<(change: RingChange) => Promise<void>>,
  change: RingChange,
  clock: Clock,
): Promise<void> {
  if (hasSubscribers('rotation-step')) publishOn('rotation-step', { ...change });
  const late = (): Error => new Error(`The hook did not settle within ${String(HOOK_TIMEOUT_MS)} ms.`);
  const limits = { ms: HOOK_TIMEOUT_MS, clock, late, signals: [] };
  await Promise.all(
    hooks.map(async (hook, index) => {
      try {
        const getDelay = (_: unknown, retried: number): number => backoffWindow(FIRST_PAUSE_MS, retried);
        const call = (): Promise<void> => withDeadline(limits, async () => hook({ ...change }));
        await withRetries(call, { retries: RETRIES, clock, getDelay });
      } catch (error) {
        const failure: NotifyFailure = { ...change, hook: index, error };
        publishFailure('notify-failed', failure, (kind) => {
          const done = `The \`${change.step}\` of ${change.version} in the key ring ${quote(change.ring)} is done`;
          return `${done}, but \`notify[${String(index)}]\` failed (${kind}); run the step again to call the hook again.`;
        });
      }
    }),
  );
}
