import { tryOrUndefined, systemClock } from '../../../core/index.js';
import { withDeadline } from '../../../util/deadline.js';
import { letGo, type RedisClient } from './client.js';
import { redisError, slow } from './errors.js';
import { CALL_TIMEOUT, type RedisLink } from './connection.js';

/** The first pause before another connection; it doubles up to the last. */
const FIRST_PAUSE = 100;
const LAST_PAUSE = 5_000;
/** How often a connection that is silent is asked whether it is there. */
const HEARTBEAT = 15_000;

/**
 * Listens on a connection of its own, which is replaced when it is lost; every connection counts as a change, because
 * nobody knows what was told before it. Rejects when the first one cannot be made; after that it holds no process.
 *
 * @returns a function that ends it
 */
export async function redisNotices(link: RedisLink, channel: string, onChange: () => void): Promise<() => void> {
  let ended = false;
  let client: RedisClient | undefined;
  let timer: NodeJS.Timeout | undefined;
  let pause = FIRST_PAUSE;

  const notify = (): void => {
    if (!ended) tryOrUndefined(onChange);
  };
  const end = (): void => {
    ended = true;
    clearTimeout(timer);
    if (client !== undefined) letGo(client);
  };
  const later = (action: () => void, ms: number): void => {
    clearTimeout(timer);
    if (!ended) timer = setTimeout(action, ms).unref();
  };
  const again = (): void => {
    // From the upper half of its window, so that a fleet does not come back in one moment.
    later(() => void listen().catch(again), (pause * (1 + Math.random())) / 2);
    pause = Math.min(pause * 2, LAST_PAUSE);
  };
  const lost = (gone: RedisClient): void => {
    letGo(gone);
    if (gone !== client) return;
    client = undefined;
    again();
  };
  /** A peer that vanished without a word sends no error either. */
  const beat = (watched: RedisClient, isAnswered: boolean): void => {
    if (!isAnswered) {
      lost(watched);
      return;
    }
    let answered = false;
    watched.ping().then(
      () => (answered = true),
      () => undefined,
    );
    later(() => beat(watched, answered), HEARTBEAT);
  };
  const listen = async (): Promise<void> => {
    const made = await link.another();
    const limit = setTimeout(() => letGo(made), CALL_TIMEOUT).unref();
    try {
      await made.subscribe(channel, notify);
      if (ended) throw slow();
    } catch (error) {
      letGo(made);
      throw error;
    } finally {
      clearTimeout(limit);
    }
    client = made;
    // An error after which it is not open is how a lost connection is told.
    made.on('error', () => {
      if (!made.isOpen) lost(made);
    });
    pause = FIRST_PAUSE;
    later(() => beat(made, true), HEARTBEAT);
    notify();
  };

  try {
    await withDeadline({ ms: CALL_TIMEOUT, clock: systemClock, late: () => slow(), signals: [] }, listen);
    return end;
  } catch (error) {
    end();
    throw redisError(error);
  }
}
