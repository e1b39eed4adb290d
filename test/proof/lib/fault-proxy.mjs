import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a network does to an answer, or to a connection. */
export const NETWORK_FAULTS = [
  'latency',
  'reset',
  'half-open',
  'truncation',
  'drip',
  'blackhole',
  'partition',
  'duplicated answers',
];

/** A proxy of TCP on loopback, in front of one server, whose `fault` can be set at any time; `undefined` is a sound network. */
export class FaultProxy {
  #server;
  #target;
  #fault;
  #random;
  /** Connections that an episode has harmed: they are cut at its end, as by a peer that has started anew. */
  #harmed = new Set();
  #open = new Set();
  /** How often each fault was met. */
  met = {};
  /** How many requests have gone to the server whose text holds `counted`. */
  requests = 0;
  #counted;
  #share;

  /** @param options - `share` of the answers in an episode meets the fault; of the connections, all */
  constructor(target, { random, share = 1, counted }) {
    this.#target = new URL(target);
    this.#share = share;
    this.#random = random;
    this.#counted = counted;
    this.#server = createServer((client) => this.#accept(client));
  }

  async listen() {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${String(this.#server.address().port)}`;
  }

  get fault() {
    return this.#fault;
  }

  set fault(fault) {
    this.#fault = fault;
    if (fault === 'partition') for (const socket of this.#open) this.#cut(socket);
    if (fault === undefined) {
      for (const socket of this.#harmed) socket.resetAndDestroy();
      this.#harmed.clear();
    }
  }

  async close() {
    for (const socket of this.#open) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #meet() {
    this.met[this.#fault] = (this.met[this.#fault] ?? 0) + 1;
  }

  #cut(socket) {
    this.#meet();
    socket.resetAndDestroy();
  }

  #keep(socket) {
    this.#open.add(socket);
    socket.on('close', () => this.#open.delete(socket)).on('error', () => socket.destroy());
  }

  #accept(client) {
    this.#keep(client);
    if (this.#fault === 'partition') return void this.#cut(client);
    const server = connect(Number(this.#target.port), this.#target.hostname);
    this.#keep(server);
    client.setNoDelay();
    server.setNoDelay();
    client.on('close', () => server.destroy());
    client.on('data', (chunk) => {
      if (this.#fault === 'blackhole' || this.#harmed.has(client)) {
        this.#meet();
        return void this.#harmed.add(client);
      }
      if (this.#counted !== undefined && chunk.includes(this.#counted)) this.requests++;
      server.write(chunk);
    });
    // One after the other: a chunk that waits holds back the next.
    let last = Promise.resolve();
    server.on('data', (chunk) => {
      last = last.then(() => this.#answer(client, server, chunk));
    });
    server.on('close', () => {
      // A half-open connection is one whose other end is gone without a word.
      if (!this.#harmed.has(client)) void last.then(() => client.end());
    });
  }

  async #answer(client, server, chunk) {
    if (client.destroyed || this.#harmed.has(client)) return;
    const fault = this.#random() < this.#share ? this.#fault : undefined;
    if (fault !== undefined) this.#meet();
    if (fault === 'latency') await sleep(50 + this.#random() * 400);
    if (fault === 'reset') return void client.resetAndDestroy();
    if (fault === 'truncation') return void client.end(chunk.subarray(0, Math.floor(this.#random() * chunk.length)));
    if (fault === 'half-open') {
      this.#harmed.add(client);
      return void server.destroy();
    }
    if (fault === 'drip') {
      for (let at = 0; at < chunk.length && !client.destroyed; at += 16) {
        client.write(chunk.subarray(at, at + 16));
        await sleep(50);
      }
      return;
    }
    if (client.destroyed) return;
    client.write(chunk);
    if (fault === 'duplicated answers') client.write(chunk);
  }
}
