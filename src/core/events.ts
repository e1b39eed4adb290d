import type { Channel } from 'node:diagnostics_channel';

import type { KeyEvents } from './types.js';

/** The name of an event. */
export type EventName = keyof KeyEvents;

const channels = new Map<EventName, Channel>();

/** Whether anybody listens to `goldkey:<event>`. */
export function observed(event: EventName): boolean {
  return channelOf(event).hasSubscribers;
}

/** Publishes on `goldkey:<event>`. */
export function publish<E extends EventName>(event: E, payload: KeyEvents[E]): void {
  channelOf(event).publish(payload);
}

function channelOf(event: EventName): Channel {
  let channel = channels.get(event);
  if (channel === undefined) {
    channel = process.getBuiltinModule('node:diagnostics_channel').channel(`goldkey:${event}`);
    channels.set(event, channel);
  }
  return channel;
}

/** The listeners of one client. */
export class Listeners {
  readonly #lists = new Map<EventName, Set<(payload: never) => unknown>>();

  /** Adds a listener; the function returned takes it away. Added twice, it is told twice. */
  add<E extends EventName>(event: E, listener: (payload: KeyEvents[E]) => void): () => void {
    // A function of its own each time: a Set would take the same listener once.
    const own = (payload: KeyEvents[E]): unknown => listener(payload) as unknown;
    const list = this.#lists.get(event) ?? new Set();
    list.add(own);
    this.#lists.set(event, list);
    return () => {
      list.delete(own);
    };
  }

  /** Whether anybody listens to `event`. */
  has(event: EventName): boolean {
    return (this.#lists.get(event)?.size ?? 0) > 0;
  }

  /** Tells every listener of `event`. One that throws, or rejects, harms nobody. */
  tell<E extends EventName>(event: E, payload: KeyEvents[E]): void {
    for (const listener of [...(this.#lists.get(event) ?? [])]) {
      try {
        const answer = (listener as (payload: KeyEvents[E]) => unknown)(payload);
        if (answer instanceof Promise) answer.catch(() => undefined);
      } catch {
        // A listener's fault is its own: the key and the call do not depend on who watches them.
      }
    }
  }
}
