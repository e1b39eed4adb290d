import type { Dispatcher } from 'undici';
import { sendViaUndici } from './undici-exchange.js';
import type { Incoming, Outgoing } from './types.js';
import { NodeHttp } from './node-http.js';
import { loadUndici } from './load-undici.js';

const MAX_CONNECTIONS = 128;
// undici saves 30 us of work for a request on its own and 80 us for one among fifty, and takes 90 ms to load: a cold
// process should not wait for that before its first answer, and a Lambda or a script may never need it.
const REQUESTS_BEFORE_UNDICI = 500;
const CONCURRENT_BEFORE_UNDICI = 16;

/**
 * The connections to one origin: Node.js's own client first. Once there is enough traffic, undici is loaded in the
 * background and its `Pool` takes over; requests under way end on the client they began on.
 */
export class Origin {
  readonly #origin: string;
  #node: NodeHttp | undefined;
  #nodeRunning = 0;
  #sent = 0;
  #pool: Dispatcher | undefined;
  #loading = false;

  constructor(origin: string) {
    this.#origin = origin;
  }

  send(outgoing: Outgoing, limit: number): Promise<Incoming> {
    return this.#pool === undefined ? this.#sendViaNode(outgoing, limit) : sendViaUndici(this.#pool, outgoing, limit);
  }

  async #sendViaNode(outgoing: Outgoing, limit: number): Promise<Incoming> {
    this.#sent++;
    this.#nodeRunning++;
    if (this.#sent >= REQUESTS_BEFORE_UNDICI || this.#nodeRunning >= CONCURRENT_BEFORE_UNDICI) void this.#loadPool();
    try {
      this.#node ??= new NodeHttp(this.#origin, { maxSockets: MAX_CONNECTIONS });
      return await this.#node.send(outgoing, limit);
    } finally {
      this.#nodeRunning--;
      this.#closeNodeIfIdle();
    }
  }

  async #loadPool(): Promise<void> {
    if (this.#loading) return;
    this.#loading = true;
    try {
      const { Pool } = await loadUndici();
      this.#pool = new Pool(this.#origin, { connections: MAX_CONNECTIONS });
      this.#closeNodeIfIdle();
    } catch {
      // An application may be bundled without undici: Node.js's own client goes on.
    }
  }

  #closeNodeIfIdle(): void {
    if (this.#pool === undefined || this.#nodeRunning > 0) return;
    this.#node?.close();
    this.#node = undefined;
  }
}
