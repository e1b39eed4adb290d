import { closedError, halfJitter, Resubscriber, systemClock, tryOrUndefined } from '../../../core/index.js';
import { withDeadline } from '../../../util/deadline.js';
import { disconnect, disconnectOnFailure, type RedisClient } from '../../../redis/client.js';
import { CALL_TIMEOUT_MS, type RedisConnection } from '../../../redis/connection.js';
import { createTimeoutError } from '../../../redis/errors.js';
import { runningClock } from '../../../redis/running-clock.js';

/** The longest of the first and of the last pause before another connection. */
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 5_000;
/** The interval of pings on a silent connection. */
const HEARTBEAT_MS = 15_000;

/**
 * Subscribes on a separate connection, which is replaced when it is lost. Each connection counts as a change, because
 * notices before it may have been missed. Rejects if the first connection fails; later it does not keep the process alive.
 *
 * @returns a function that ends the subscription
 */
export async function subscribeToChannel(
  connection: RedisConnection,
  channel: string,
  onChange: () => void,
): Promise<() => void> {
  let hasEnded = false;
  let client: RedisClient | undefined;
  let heartbeat: { cancel(): void } | undefined;

  const notify = (): void => {
    if (!hasEnded) tryOrUndefined(onChange);
  };
  const replace = (lost: RedisClient): void => {
    disconnect(lost);
    if (lost !== client) return;
    client = undefined;
    heartbeat?.cancel();
    resubscriber.resubscribe();
  };
  /** Pings, because a peer that vanished silently causes no error. */
  const watch = (watched: RedisClient, hasAnswered: () => boolean): void => {
    const beat = (): void => {
      if (!hasAnswered()) {
        replace(watched);
        return;
      }
      let answered = false;
      watched.ping().then(
        () => (answered = true),
        () => undefined,
      );
      watch(watched, () => answered);
    };
    heartbeat = systemClock.setTimeout(beat, HEARTBEAT_MS, { unref: true });
  };
  let isConnected = false;
  const listen = async (): Promise<void> => {
    const made = await connection.connectAnother();
    isConnected = true;
    await disconnectOnFailure(made, CALL_TIMEOUT_MS, async () => {
      await made.subscribe(channel, notify);
      if (hasEnded) throw closedError();
    });
    client = made;
    // The package reports a lost connection by an error after which the client is not open.
    made.on('error', () => {
      if (!made.isOpen) replace(made);
    });
    watch(made, () => true);
    notify();
  };
  const resubscriber = new Resubscriber(listen, {
    clock: systemClock,
    // Each process draws its own pauses, so that a fleet does not connect at one moment.
    first: halfJitter(FIRST_PAUSE_MS),
    last: halfJitter(LAST_PAUSE_MS),
  });
  const end = (): void => {
    hasEnded = true;
    resubscriber.stop();
    heartbeat?.cancel();
    if (client !== undefined) disconnect(client);
  };

  try {
    await connection.load();
    const late = (): Error => createTimeoutError(isConnected);
    await withDeadline({ ms: CALL_TIMEOUT_MS, clock: runningClock, late, signals: [] }, listen);
    return end;
  } catch (error) {
    end();
    throw connection.toError(error);
  }
}
