import type { Clock } from '../core/index.js';
import { SignatureError } from './signature-error.js';
import type { ReplayStore } from './types.js';

/** Checks that a message was made within `window` ms of now, each way. */
export function checkTime(madeAt: number, window: number, clock: Clock): void {
  const age = clock.now() - madeAt;
  if (age > window)
    throw new SignatureError('expired', `The signature is more than ${String(window)} ms old; check both clocks.`);
  if (age < -window)
    throw new SignatureError(
      'not-yet-valid',
      `The signature is more than ${String(window)} ms ahead of this clock; check both clocks.`,
    );
}

/** Returns the epoch seconds in a header, or `undefined` if it is written otherwise: `1e9` and `+1` are numbers as well. */
export function parseSeconds(text: string): number | undefined {
  const seconds = Number(text);
  return String(seconds) === text && Number.isSafeInteger(seconds) ? seconds : undefined;
}

/**
 * Remembers a message that was made at `madeAt`, in epoch ms, or throws if it came before or cannot be remembered. It is
 * remembered until its age alone refuses it, by a clock that is as far behind as is accepted.
 */
export async function checkNew(
  id: string,
  madeAt: number,
  { replay, window }: { readonly replay: ReplayStore | undefined; readonly window: number },
): Promise<void> {
  if (replay === undefined || (await replay.add(id, madeAt + 2 * window))) return;
  throw new SignatureError('replayed', 'The message came before, or so many came that it cannot be told.');
}
