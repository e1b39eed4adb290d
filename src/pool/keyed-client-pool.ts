import { LRUCache } from 'lru-cache';

import {
  checkInteger,
  checkOptionNames,
  closedError,
  describeType,
  getClientState,
  invalidType,
  KeyedClient,
  type Clock,
  type KeyedClientOptions,
  type Stage,
  type StageBackoff,
} from '../core/index.js';

/** Options of {@link KeyedClientPool}. */
export interface KeyedClientPoolOptions<C extends KeyedClient> {
  /** Largest number of clients alive, an integer from 1. The one used longest ago drains and closes. */
  max: number;
  /** Returns a tenant's client, or the options for one. Give each tenant another key provider. */
  create: (tenant: string) => C | KeyedClientOptions;
}

/** Back-off and cooldown of an evicted tenant, kept so that a dead key cannot storm the store by coming and going. */
interface KeptBackoff {
  readonly clock: Clock;
  /** End on the monotonic clock. */
  readonly endsAt: number;
  readonly stages: ReadonlyArray<{ name: Stage; backoff: StageBackoff; digest: string | undefined }>;
}

/**
 * Keeps one client per tenant, at most `max` of them alive (lru-cache); the one used longest ago drains and closes. A
 * tenant that comes back within its back-off or cooldown goes on with it.
 *
 * @example
 * ```ts
 * import { fromKms } from 'goldkey/kms';
 * import { KeyedClientPool } from 'goldkey/pool';
 *
 * const pool = new KeyedClientPool({
 *   max: 1_000,
 *   create: (tenant) => ({
 *     keyProvider: fromKms({
 *       ciphertext: () => ciphertextOf(tenant),
 *       encryptionContext: { tenant },
 *       keyId: 'alias/gold-api-keys',
 *     }),
 *   }),
 * });
 * await pool.get('acme').withKey(async ({ apiKey }) => callWith(apiKey));
 * ```
 */
export class KeyedClientPool<C extends KeyedClient = KeyedClient> implements AsyncDisposable {
  readonly #clients: LRUCache<string, C>;
  readonly #create: (tenant: string) => C | KeyedClientOptions;
  readonly #backoffs = new Map<string, KeptBackoff>();
  /** Clients that are closing. */
  readonly #draining = new Map<KeyedClient, Promise<void>>();
  /** Every client that a tenant has, or had. */
  readonly #owned = new WeakSet<KeyedClient>();
  #closed: Promise<void> | undefined;

  /**
   * @param options - `max`, and `create` for a tenant that has no client
   * @throws {TypeError} `ERR_INVALID_ARG_VALUE`: an option of a wrong type or name
   * @throws {RangeError} `ERR_INVALID_ARG_VALUE`: `max` is below 1 or not an integer
   */
  constructor(options: KeyedClientPoolOptions<C>) {
    checkOptionNames('KeyedClientPool', options, ['max', 'create']);
    if (typeof options.create !== 'function') {
      throw invalidType(`\`create\` must be a function, got ${describeType(options.create)}.`);
    }
    this.#create = options.create;
    this.#clients = new LRUCache({
      max: checkInteger('max', options.max as number | undefined, 0, 1) || throwMaxRequired(),
      dispose: (client, tenant) => {
        void this.#drain(tenant, client);
      },
    });
  }

  /** The number of clients alive. */
  get size(): number {
    return this.#clients.size;
  }

  /**
   * Returns the tenant's client, and creates it if there is none.
   *
   * @throws {ClientClosedError} `ERR_GOLDKEY_CLOSED`: after `close()`
   * @throws {TypeError} `ERR_INVALID_ARG_VALUE`: `create` returned neither options nor a new client
   * @throws the error that `create` throws
   */
  get(tenant: string): C {
    const known = this.#clients.get(tenant);
    if (known !== undefined && !getClientState(known).isClosing) return known;
    if (this.#closed !== undefined) throw closedError();
    if (typeof tenant !== 'string') throw invalidType(`\`tenant\` must be a string, got ${describeType(tenant)}.`);
    const created: unknown = this.#create(tenant);
    // `C` is KeyedClient when `create` returns options.
    const client = created instanceof KeyedClient ? (created as C) : (new KeyedClient(checkCreated(created)) as C);
    if (this.#owned.has(client) || getClientState(client).isClosing) {
      throw invalidType(
        '`create` must return a new client for each tenant: another one has this client, or it is closed.',
      );
    }
    this.#owned.add(client);
    this.#restoreBackoff(tenant, client);
    this.#clients.set(tenant, client);
    return client;
  }

  /** Returns whether the tenant has a client now. */
  has(tenant: string): boolean {
    return this.#clients.has(tenant);
  }

  /** Closes the tenant's client. Resolves once its calls have ended and its key is zeroed. */
  async delete(tenant: string): Promise<void> {
    const client = this.#clients.peek(tenant);
    if (client === undefined) return;
    this.#clients.delete(tenant);
    await this.#draining.get(client);
  }

  /**
   * Closes every client. A second call resolves with the first.
   *
   * @param options - aborting `signal` ends the running calls at once
   */
  close(options: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    this.#closed ??= this.#close(options);
    return this.#closed;
  }

  /** Closes the pool: see {@link KeyedClientPool.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(options: { signal?: AbortSignal | undefined }): Promise<void> {
    this.#clients.clear();
    this.#backoffs.clear();
    await Promise.all([...this.#draining.keys()].map((client) => client.close(options)));
  }

  async #drain(tenant: string, client: KeyedClient): Promise<void> {
    this.#keepBackoff(tenant, client);
    const drained = client.close().catch(() => undefined);
    this.#draining.set(client, drained);
    await drained;
    this.#draining.delete(client);
  }

  #keepBackoff(tenant: string, client: KeyedClient): void {
    const { keys, options } = getClientState(client);
    const { clock } = options;
    const now = clock.monotonic();
    let endsAt = now;
    for (const { backoff } of keys.stages) endsAt = Math.max(endsAt, backoff.retryAt, backoff.cooldownUntil);
    for (const [other, kept] of this.#backoffs) {
      if (kept.clock.monotonic() < kept.endsAt) break;
      this.#backoffs.delete(other);
    }
    if (endsAt <= now) return;
    const stages = keys.stages.map(({ name, backoff, digest }) => ({ name, backoff, digest }));
    // Deleted first, so that the map stays in the order of insertion.
    this.#backoffs.delete(tenant);
    this.#backoffs.set(tenant, { clock, endsAt, stages });
  }

  #restoreBackoff(tenant: string, client: KeyedClient): void {
    const kept = this.#backoffs.get(tenant);
    if (kept === undefined) return;
    this.#backoffs.delete(tenant);
    const { keys, options } = getClientState(client);
    if (options.clock !== kept.clock || options.clock.monotonic() >= kept.endsAt) return;
    for (const { name, backoff, digest } of kept.stages) Object.assign(keys.stage(name), { backoff, digest });
  }
}

/** Throws unless `created` may be options: a promise of them, or a client of another copy of goldkey, is not. */
function checkCreated(created: unknown): KeyedClientOptions {
  if (typeof created === 'object' && created !== null && 'keyProvider' in created) return created as KeyedClientOptions;
  const got = describeType(created);
  throw invalidType(`\`create\` must return a client of this copy of goldkey, or the options for one, got ${got}.`);
}

function throwMaxRequired(): never {
  throw invalidType('`max` is required: give the largest number of clients alive.');
}
