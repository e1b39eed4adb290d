import type { Dispatcher } from 'undici';
import { dispatched } from './undici-exchange.js';
import type { Incoming, Outgoing } from './types.js';
import { NodeHttp } from './node-http.js';
import { loadUndici } from './load-undici.js';

const CONNECTIONS = 128;
// undici saves 30 us of work per request that comes alone and 80 us of one among fifty, and costs 90 ms to load: a cold
// process must not pay that before its first answer, and a Lambda or a script need not pay it at all.
const REQUESTS_BEFORE_UNDICI = 500;
const TOGETHER_BEFORE_UNDICI = 16;

/**
 * One origin, asked through Node's own client first; once there is traffic enough to pay for it undici is loaded in the
 * background, and a `Pool` of it takes over. Requests under way end where they began.
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
    return this.#pool === undefined ? this.#viaNode(outgoing, limit) : dispatched(this.#pool, outgoing, limit);
  }

  async #viaNode(outgoing: Outgoing, limit: number): Promise<Incoming> {
    this.#sent++;
    this.#nodeRunning++;
    if (this.#sent >= REQUESTS_BEFORE_UNDICI || this.#nodeRunning >= TOGETHER_BEFORE_UNDICI) void this.#load();
    try {
      this.#node ??= new NodeHttp(this.#origin, { maxSockets: CONNECTIONS });
      return await this.#node.send(outgoing, limit);
    } finally {
      this.#nodeRunning--;
      this.#leaveNode();
    }
  }

  async #load(): Promise<void> {
    if (this.#loading) return;
    this.#loading = true;
    try {
      const { Pool } = await loadUndici();
      this.#pool = new Pool(this.#origin, { connections: CONNECTIONS });
      this.#leaveNode();
    } catch {
      // Not to be had (an application bundled without it): Node's own client goes on.
    }
  }

  #leaveNode(): void {
    if (this.#pool === undefined || this.#nodeRunning > 0) return;
    this.#node?.close();
    this.#node = undefined;
  }
}
