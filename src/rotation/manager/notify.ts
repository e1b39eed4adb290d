import { withRetries, type Clock } from '../../core/index.js';
import type { RingChange } from '../ring/types.js';

const RETRIES = 2;
const PAUSE = 200;
/** How long a hook may take: a step that is written waits for nobody for ever. */
const PATIENCE = 10_000;

/** What is published on the diagnostics channel `goldkey:notify-failed`. */
export interface NotifyFailure extends RingChange {
  /** Which hook, from 0. */
  hook: number;
  error: unknown;
}

/**
 * Tells every hook, each up to three times, and waits 10 s for each. One that fails undoes nothing and keeps nobody from
 * being told: it is reported on the diagnostics channel `goldkey:notify-failed`, and as a warning where nobody listens
 * there.
 */
export async function notifyAll(
  hooks: ReadonlyArray<(change: RingChange) => Promise<void>>,
  change: RingChange,
  clock: Clock,
): Promise<void> {
  await Promise.all(
    hooks.map(async (hook, index) => {
      try {
        await withRetries(() => inTime(clock, async () => hook({ ...change })), {
          retries: RETRIES,
          clock,
          delayOf: (_, retried) => PAUSE * 2 ** retried,
        });
      } catch (error) {
        report({ ...change, hook: index, error });
      }
    }),
  );
}

async function inTime(clock: Clock, work: () => Promise<void>): Promise<void> {
  let timer: { cancel(): void } | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = clock.setTimeout(() => {
      reject(new Error(`The hook did not settle within ${String(PATIENCE)} ms.`));
    }, PATIENCE);
  });
  try {
    await Promise.race([work(), late]);
  } finally {
    timer?.cancel();
  }
}

function report(failure: NotifyFailure): void {
  const channel = process.getBuiltinModule('node:diagnostics_channel').channel('goldkey:notify-failed');
  if (channel.hasSubscribers) {
    channel.publish(failure);
    return;
  }
  const { ring, step, version, hook, error } = failure;
  // The hook's own words may be anything: only what kind of error it was is said aloud.
  const what = error instanceof Error ? error.name : 'no Error';
  process.emitWarning(
    `The \`${step}\` of ${version} in the key ring \`${ring}\` is done, but \`notify[${String(hook)}]\` failed (${what}); running the step again tells it again.`,
    { type: 'GoldKeyWarning', code: 'GOLDKEY_NOTIFY_FAILED' },
  );
}
