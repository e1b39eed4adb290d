import { getClientState, waitAtMost } from '../core/index.js';
import type { Invocation } from './invocation.js';
import type { CheckedLambdaOptions } from './options.js';

/** Waits for the background loads of all clients, which would freeze half done, and ends the invocation. Never rejects. */
export async function settleAndEnd(invocation: Invocation, options: CheckedLambdaOptions): Promise<void> {
  const { clients, margin, settle } = options;
  const wait = Math.min(settle, Math.floor(invocation.getTimeLeft() - margin / 2));
  if (wait > 0) {
    // A `settled` of the user's own, in a subclass, may fail.
    await Promise.allSettled(
      clients.map(async (client) => waitAtMost(client.settled(), wait, getClientState(client).options.clock)),
    );
  }
  invocation.end();
}
