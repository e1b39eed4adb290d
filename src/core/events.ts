import type { Channel } from 'node:diagnostics_channel';

import type { KeyEvents } from './key-events.js';
import { readErrorName } from './util/quote.js';
import { nodeTypes } from './util/node-builtins.js';
import { tryOrUndefined } from './util/safe-access.js';

/** Name of an event. */
export type EventName = keyof KeyEvents;

const channels = new Map<string, Channel>();

/** Returns whether the diagnostics channel `goldkey:<name>` has subscribers. */
export function hasSubscribers(name: string): boolean {
  return getChannel(name).hasSubscribers;
}

/** Publishes on `goldkey:<event>`. */
export function publish<E extends EventName>(event: E, payload: KeyEvents[E]): void {
  publishOn(event, payload);
}

/** Publishes on the diagnostics channel `goldkey:<name>`, which need not be an event of `on()`. */
export function publishOn(name: string, payload: object): void {
  getChannel(name).publish(payload);
}

function getChannel(name: string): Channel {
  let channel = channels.get(name);
  if (channel === undefined) {
    channel = process.getBuiltinModule('node:diagnostics_channel').channel(`goldkey:${name}`);
    channels.set(name, channel);
  }
  return channel;
}

/** The listeners of one client. */
export class Listeners {
  readonly #lists = new Map<EventName, Set<(payload: never) => unknown>>();

  /** Adds a listener and returns a function that removes it. A listener added twice is called twice. */
  add<E extends EventName>(event: E, listener: (payload: KeyEvents[E]) => void): () => void {
    // A new function each time, because a Set holds the same listener only once.
    const own = (payload: KeyEvents[E]): unknown => listener(payload) as unknown;
    const list = this.#lists.get(event) ?? new Set();
    list.add(own);
    this.#lists.set(event, list);
    return () => {
      list.delete(own);
    };
  }

  /** Returns whether `event` has listeners. */
  has(event: EventName): boolean {
    return (this.#lists.get(event)?.size ?? 0) > 0;
  }

  /** Calls every listener of `event`. One that throws or rejects affects neither the others nor the call. */
  notify<E extends EventName>(event: E, payload: KeyEvents[E]): void {
    for (const listener of [...(this.#lists.get(event) ?? [])])
      callListener(event, listener as (payload: KeyEvents[E]) => unknown, payload);
  }
}

/** Calls a function that is told of something. One that throws or rejects harms nobody: it is told on `listener-failed`. */
export function callListener<P>(event: string, listener: (payload: P) => unknown, payload: P): void {
  try {
    const answer = listener(payload);
    if (nodeTypes().isPromise(answer)) answer.catch((error: unknown) => tellOfFailure(event, error));
  } catch (error) {
    tellOfFailure(event, error);
  }
}

/** A listener's error must not reach the call that the event is about. Its name is told, and not its message. */
function tellOfFailure(event: string, error: unknown): void {
  tryOrUndefined(() => {
    publishOn('listener-failed', { event, error: readErrorName(error) ?? typeof error });
  });
}
