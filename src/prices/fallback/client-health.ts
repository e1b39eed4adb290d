import { isGoldKeyError, isObject, readProperty } from '../../core/index.js';
import type { PriceClient } from './types.js';
import type { PriceApiError } from '../price-api-error.js';

/** One client of several, and how it has been doing. Moments are those of a monotonic clock. */
export class Candidate {
  readonly client: PriceClient;
  /** From 1, as it is named in messages. */
  readonly position: number;
  #restUntil = -Infinity;
  /** The call that finds out whether a client that has rested is well again. */
  #trial: object | undefined;

  constructor(client: PriceClient, position: number) {
    this.client = client;
    this.position = position;
  }

  /** Whether the others come first. While one call tries it again, the rest need not wait for the same answer. */
  isResting(now: number): boolean {
    return now < this.#restUntil || this.#trial !== undefined;
  }

  /** To be called when `call` asks it. */
  asked(call: object, now: number): void {
    if (this.#restUntil > -Infinity && !this.isResting(now)) this.#trial = call;
  }

  succeeded(): void {
    this.#restUntil = -Infinity;
    this.#trial = undefined;
  }

  failed(call: object, error: unknown, now: number, cooldown: number): void {
    this.left(call);
    // A request that one API cannot serve says nothing against the next.
    if (cooldown === 0 || isAboutRequest(error)) return;
    const retryAfter = isGoldKeyError(error) ? (error.retryAfter ?? 0) : 0;
    this.#restUntil = Math.max(this.#restUntil, now + Math.max(cooldown, retryAfter));
  }

  /** `call` asks it no more, whatever came of it. */
  left(call: object): void {
    if (this.#trial === call) this.#trial = undefined;
  }
}

/** Whether an error is about what was asked for, not about who was asked. */
export function isAboutRequest(error: unknown): boolean {
  if (isGoldKeyError(error, 'ERR_GOLDKEY_PRICE_API')) return (error as PriceApiError).kind === 'bad-request';
  return isObject(error) && readProperty(error, 'code') === 'ERR_INVALID_ARG_VALUE';
}
