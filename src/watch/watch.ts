import { callListener, getClientState, hasSubscribers, publishOn, type KeyedClient } from '../core/index.js';
import { checkClients, checkWatchOptions } from './check-options.js';
import { ClientWatch, type Finding } from './client-watch.js';
import { KeyHeldError } from './held-error.js';
import type { Alert, WatchOptions } from './types.js';
import { UsageCheck } from './usage-check.js';

/** The watches that hold a client, by a set of each. A client calls again once all have let go of it. */
const holders = new WeakMap<KeyedClient, Set<object>>();

/** A running watch. */
export interface Watch {
  /** Lets the clients that this watch alone holds call again. What was told is told again if it goes on. Works after `close()`. */
  release(): void;
  /** Ends the watch. A client that it holds stays held until `release()`. */
  close(): void;
}

/**
 * Watches how keys are used, and tells what is unusual: far more calls than usual, refusals, an old or unused key, use that
 * the price API counts and nobody here made, an emergency key. It reads `status()` once a window on a timer of its own, so
 * that a call costs nothing more. Each alert is published on the diagnostics channel `goldkey:alert` as well.
 *
 * @param clients - one client or several; each is watched by itself
 * @param options - `onAlert`, and what counts as unusual; see {@link WatchOptions}
 * @returns the watch, to release held clients and to end it
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`: an option of a wrong type or name, or no client
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`: an option out of its range
 * @example
 * ```ts
 * import { watch } from 'goldkey/watch';
 *
 * const watching = watch(gold, {
 *   failSafe: ['usage-mismatch'],
 *   onAlert: ({ kind, severity, value, expected }) => console.error('gold key:', kind, severity, value, expected),
 * });
 * process.once('SIGTERM', () => watching.close());
 * ```
 */
export function watch(clients: KeyedClient | readonly KeyedClient[], options: WatchOptions): Watch {
  const list = checkClients(clients);
  const checked = checkWatchOptions(options);
  const held = new Set<KeyedClient>();

  const hold = (client: KeyedClient, kind: Alert['kind']): void => {
    const { name } = client.status();
    held.add(client);
    holders.set(client, (holders.get(client) ?? new Set()).add(held));
    const createError = (): KeyHeldError =>
      new KeyHeldError(
        `The client \`${name}\` is held after an alert (${kind}): no call runs until \`release()\` of its watch; find out first who uses the key.`,
      );
    getClientState(client).hold(createError, `held: ${kind}`);
  };
  const raise = (client: KeyedClient, finding: Finding, concerned: readonly KeyedClient[] = [client]): void => {
    const { name, version } = client.status();
    const at = getClientState(client).options.clock.now();
    const alert: Alert = Object.freeze({ ...finding, client: name, ...(version !== undefined && { version }), at });
    if (checked.failSafe.has(finding.kind)) for (const each of concerned) hold(each, finding.kind);
    if (hasSubscribers('alert')) publishOn('alert', alert);
    callListener('alert', checked.onAlert, alert);
  };

  const watches = list.map((client) => new ClientWatch(client, checked, raise));
  const [first, ...others] = list;
  const usage =
    checked.usage === undefined || first === undefined
      ? undefined
      : new UsageCheck([first, ...others], checked.usage, (used, made) =>
          raise(first, { kind: 'usage-mismatch', severity: 'critical', value: used, expected: made }, list),
        );
  return {
    release() {
      for (const each of watches) {
        if (!held.delete(each.client)) continue;
        const holding = holders.get(each.client);
        holding?.delete(held);
        if (holding?.size === 0) getClientState(each.client).release();
        each.reset();
      }
    },
    close() {
      for (const each of watches) each.stop();
      usage?.stop();
    },
  };
}
