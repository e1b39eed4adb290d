import type { Pool } from 'undici';
import { NodeHttp } from './node-http.js';
import { isHttpPatched } from './patched.js';
import { isRepeatable, StaleConnection } from './stale-connection.js';
import type { Incoming, Outgoing } from './types.js';
import { openPool, sendViaPool, UnusablePool } from './undici-pool.js';

const MAX_CONNECTIONS = 128;
// undici saves 30 us of work for a request on its own and 80 us for one among fifty, and takes 90 ms to load: a cold
// process should not wait for that before its first answer, and a Lambda or a script may never need it.
const REQUESTS_BEFORE_UNDICI = 500;
const CONCURRENT_BEFORE_UNDICI = 16;

/**
 * The connections to one origin: Node.js's own client first. Once there is enough traffic, undici is loaded in the
 * background and its `Pool` takes over; requests under way end on the client they began on. While node:http is patched,
 * everything goes through it: a mocking library must see, and may stop, every request.
 */
export class Origin {
  readonly #origin: string;
  #node: NodeHttp | undefined;
  #nodeRunning = 0;
  #sent = 0;
  #pool: Pool | undefined;
  #loading = false;

  constructor(origin: string) {
    this.#origin = origin;
  }

  /**
   * Sends one request; a repeatable one twice if it met a kept connection that the server had closed. Follows no
   * redirect. Rejects only when no whole response of at most `limit` bytes came.
   */
  send(outgoing: Outgoing, limit: number): Promise<Incoming> {
    if (this.#pool === undefined || isHttpPatched()) return this.#sendViaNode('send', outgoing, limit);
    return sendViaPool(this.#pool, outgoing, limit, this);
  }

  /** Goes on after a request that the pool could not send, or rejects with its error. */
  async recover(error: unknown, outgoing: Outgoing, limit: number): Promise<Incoming> {
    if (error instanceof StaleConnection) {
      if (isRepeatable(outgoing.method)) return this.#sendViaNode('sendOnNewConnection', outgoing, limit);
      throw error.cause;
    }
    if (!(error instanceof UnusablePool)) throw error;
    // It stays unusable, and is not loaded again.
    this.#pool = undefined;
    return this.#sendViaNode('send', outgoing, limit);
  }

  async #sendViaNode(how: 'send' | 'sendOnNewConnection', outgoing: Outgoing, limit: number): Promise<Incoming> {
    this.#sent++;
    this.#nodeRunning++;
    if (this.#sent >= REQUESTS_BEFORE_UNDICI || this.#nodeRunning >= CONCURRENT_BEFORE_UNDICI) void this.#loadPool();
    try {
      this.#node ??= new NodeHttp(this.#origin, { maxSockets: MAX_CONNECTIONS });
      return await this.#node[how](outgoing, limit);
    } finally {
      this.#nodeRunning--;
      this.#closeNodeIfIdle();
    }
  }

  async #loadPool(): Promise<void> {
    if (this.#loading || isHttpPatched()) return;
    this.#loading = true;
    this.#pool = await openPool(this.#origin, MAX_CONNECTIONS);
    this.#closeNodeIfIdle();
  }

  #closeNodeIfIdle(): void {
    if (this.#pool === undefined || this.#nodeRunning > 0) return;
    this.#node?.close();
    this.#node = undefined;
  }
}
