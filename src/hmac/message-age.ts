import type { Clock } from '../core/index.js';
import { SignatureError } from './signature-error.js';

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

/** Creates the error for a message that came before, or cannot be remembered. */
export function replayedError(): SignatureError {
  return new SignatureError('replayed', 'The message came before, or so many came that it cannot be told.');
}
