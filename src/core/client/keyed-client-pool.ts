import { LRUCache } from 'lru-cache';

import { closedError } from '../errors.js';
import { getClientState, KeyedClient } from './keyed-client.js';
import { checkOptionNames, checkInteger, invalidType, describeType } from '../options.js';
import type { Restraint } from '../cache/stage-state.js';
import type { Clock, KeyedClientOptions, Stage } from '../types.js';

/** Options of {@link KeyedClientPool}. */
export interface KeyedClientPoolOptions<C extends KeyedClient> {
  /** How many clients may be alive, an integer from 1. Pushed out, a client drains and closes. */
  max: number;
  /** Makes a tenant's client, or the options for one. Give each tenant a key provider of its own. */
  create: (tenant: string) => C | KeyedClientOptions;
}

/** What a tenant pushed out leaves behind, so that a dead key cannot storm the store by coming and going. */
interface Remains {
  readonly clock: Clock;
  /** On the monotonic clock. */
  readonly lapsesAt: number;
  readonly restraints: ReadonlyArray<readonly [Stage, Restraint]>;
}

/**
 * One client per tenant, at most `max` alive; the one used longest ago drains and closes.
 *
 * @example
 * ```ts
 * import { fromKms } from 'goldkey/kms';
 * import { KeyedClientPool } from 'goldkey/pool';
 *
 * const pool = new KeyedClientPool({
 *   max: 1_000,
 *   create: (tenant) => ({
 *     keyProvider: fromKms({ ciphertext: () => ciphertextOf(tenant), encryptionContext: { tenant } }),
 *   }),
 * });
 * await pool.get('acme').withKey(async ({ apiKey }) => callWith(apiKey));
 * ```
 */
export class KeyedClientPool<C extends KeyedClient = KeyedClient> implements AsyncDisposable {
  readonly #clients: LRUCache<string, C>;
  readonly #create: (tenant: string) => C | KeyedClientOptions;
  readonly #remains = new Map<string, Remains>();
  /** Clients on their way out. */
  readonly #draining = new Map<KeyedClient, Promise<void>>();
  #closed: Promise<void> | undefined;

  /**
   * @param options - `max`, and `create` for a tenant that has no client
   * @throws {TypeError} `ERR_INVALID_ARG_VALUE`: an option of a wrong type or name
   * @throws {RangeError} `ERR_INVALID_ARG_VALUE`: `max` below 1 or no integer
   */
  constructor(options: KeyedClientPoolOptions<C>) {
    checkOptionNames('KeyedClientPool', options, ['max', 'create']);
    if (typeof options.create !== 'function') {
      throw invalidType(`\`create\` must be a function, got ${describeType(options.create)}.`);
    }
    this.#create = options.create;
    this.#clients = new LRUCache({
      max: checkInteger('max', options.max as number | undefined, 0, 1) || required(),
      dispose: (client, tenant) => {
        void this.#drain(tenant, client);
      },
    });
  }

  /** How many clients are alive. */
  get size(): number {
    return this.#clients.size;
  }

  /**
   * The tenant's client; made when there is none.
   *
   * @throws {ClientClosedError} `ERR_GOLDKEY_CLOSED`: after `close()`
   * @throws whatever `create` throws
   */
  get(tenant: string): C {
    const known = this.#clients.get(tenant);
    if (known !== undefined && !getClientState(known).closing) return known;
    if (this.#closed !== undefined) throw closedError();
    if (typeof tenant !== 'string') throw invalidType(`\`tenant\` must be a string, got ${describeType(tenant)}.`);
    const made = this.#create(tenant);
    // Options make a plain KeyedClient: that is what `C` is when `create` returns them.
    const client = made instanceof KeyedClient ? made : (new KeyedClient(made) as C);
    this.#restrain(tenant, client);
    this.#clients.set(tenant, client);
    return client;
  }

  /** Whether the tenant has a client now. */
  has(tenant: string): boolean {
    return this.#clients.has(tenant);
  }

  /** Closes the tenant's client. Resolves when its calls have ended and its key is zeroed. */
  async delete(tenant: string): Promise<void> {
    const client = this.#clients.peek(tenant);
    if (client === undefined) return;
    this.#clients.delete(tenant);
    await this.#draining.get(client);
  }

  /**
   * Closes every client. Called again, it resolves with the first.
   *
   * @param options - aborting `signal` ends the running calls at once
   */
  close(options: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    this.#closed ??= this.#close(options);
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(options: { signal?: AbortSignal | undefined }): Promise<void> {
    this.#clients.clear();
    this.#remains.clear();
    const draining = [...this.#draining];
    await Promise.all(draining.map(([client]) => client.close(options)));
    await Promise.all(draining.map(([, drained]) => drained));
  }

  async #drain(tenant: string, client: KeyedClient): Promise<void> {
    this.#keep(tenant, client);
    const drained = client.close().catch(() => undefined);
    this.#draining.set(client, drained);
    await drained;
    this.#draining.delete(client);
  }

  #keep(tenant: string, client: KeyedClient): void {
    const { shelf, options } = getClientState(client);
    const mono = options.clock.monotonic();
    let lapsesAt = mono;
    for (const { retryAt, cooldownUntil } of shelf.slots) lapsesAt = Math.max(lapsesAt, retryAt, cooldownUntil);
    for (const [other, { clock, lapsesAt: lapsed }] of this.#remains) {
      if (clock.monotonic() < lapsed) break;
      this.#remains.delete(other);
    }
    if (lapsesAt <= mono) return;
    const restraints = shelf.slots.map((slot) => [slot.stage, slot.restraint] as const);
    this.#remains.delete(tenant);
    this.#remains.set(tenant, { clock: options.clock, lapsesAt, restraints });
  }

  #restrain(tenant: string, client: KeyedClient): void {
    const remains = this.#remains.get(tenant);
    if (remains === undefined) return;
    this.#remains.delete(tenant);
    const { shelf, options } = getClientState(client);
    if (options.clock !== remains.clock || options.clock.monotonic() >= remains.lapsesAt) return;
    for (const [stage, restraint] of remains.restraints) shelf.slot(stage).restrain(restraint);
  }
}

function required(): never {
  throw invalidType('`max` is required: how many clients may be alive.');
}
