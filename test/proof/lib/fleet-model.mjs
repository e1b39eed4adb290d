import { createHmac } from 'node:crypto';
import { KeyedClient } from 'goldkey';
import { fromKeyRing, KeyRotationManager } from 'goldkey/rotation';
import { diceOf } from './dice.mjs';
import { EventClock } from './event-clock.mjs';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/**
 * A fleet on a manual clock. Its clients are goldkey's own; what stands around them is a model: a ring whose notices come
 * late or get lost, KMS as a counter, and a price API that locks the account which shows it too many wrong keys.
 *
 * @param options - `instances`; `callEvery`: mean ms between two calls of one, at first, which is the
 *   longest; `client`: options of each client;
 *   `noticeWithin`: ms in which a notice comes, `lost`: the share of those that do not, `subscribes`: whether there are any;
 *   `life`: mean ms that an instance lives before another takes its place; `lockAfter`: refusals a minute
 *   that lock the account, for `lockFor` ms; `beat`: ms between two moments at which somebody calls
 */
export class FleetModel {
  clock = new EventClock();
  /** Mean ms between two calls of an instance. */
  callEvery;
  /** Counts of each minute. */
  minutes = [];
  refused = 0;
  failed = {};
  calls = 0;
  loads = 0;
  locks = 0;
  #dice;
  #options;
  #listeners = new Set();
  #ring;
  #instances = [];
  #beats = [];
  #beat = 0;
  #accepted = new Set();
  #refusals = [];
  #lockedUntil = 0;
  #born = 0;
  manager;

  constructor(options) {
    this.#options = {
      life: Infinity,
      lost: 0,
      noticeWithin: SECOND,
      subscribes: true,
      lockAfter: Infinity,
      beat: 500,
      ...options,
    };
    this.#dice = diceOf(options.seed);
    this.callEvery = options.callEvery;
    const store = this.#store();
    this.manager = new KeyRotationManager({ ring: store, name: 'fleet', cipher: this.#cipher(), clock: this.clock });
    this.#beats = Array.from({ length: Math.ceil((2 * options.callEvery) / this.#options.beat) + 2 }, () => []);
  }

  accept = (key) => this.#accepted.add(key);
  revoke = (key) => this.#accepted.delete(key);

  get #minute() {
    const index = Math.floor(this.clock.monotonic() / MINUTE);
    while (this.minutes.length <= index) this.minutes.push({ kms: 0, reads: 0, refused: 0, failed: 0 });
    return this.minutes[index];
  }

  /** Keeps the ring in memory, and tells its readers of a write, most of them. */
  #store() {
    const conflict = () => Object.assign(new Error('Another write came first.'), { code: 'ERR_GOLDKEY_RING_CONFLICT' });
    const store = {
      name: 'model',
      read: async () => {
        this.#minute.reads++;
        return this.#ring && { ring: this.#ring };
      },
      write: async (ring, { revision }) => {
        if ((this.#ring?.revision ?? 0) !== revision) throw conflict();
        this.#ring = structuredClone(ring);
        for (const tell of this.#listeners) {
          if (this.#dice.chance(this.#options.lost)) continue;
          this.clock.setTimeout(
            () => this.#listeners.has(tell) && tell(),
            this.#dice.below(this.#options.noticeWithin),
          );
        }
      },
    };
    if (!this.#options.subscribes) return store;
    return {
      ...store,
      subscribe: async (tell) => {
        this.#listeners.add(tell);
        return async () => void this.#listeners.delete(tell);
      },
    };
  }

  /** Counts as KMS. The ciphertext is the key: nothing of the model is a secret. */
  #cipher() {
    const encryptionContext = { service: 'fleet' };
    return {
      name: 'model',
      encryptionContext,
      accepts: () => true,
      encrypt: async (key) => ({
        ciphertext: Buffer.from(key).toString('base64'),
        keyId: 'model',
        encryptionContext,
        fingerprint: createHmac('sha256', 'goldkey/fingerprint/1').update(key).digest('hex').slice(0, 8),
        createdAt: this.clock.now(),
      }),
      decrypt: async (ciphertext) => {
        this.#minute.kms++;
        return new Uint8Array(Buffer.from(String(ciphertext), 'base64'));
      },
    };
  }

  /** Starts an instance, in the place of the one that was there. */
  #start(place) {
    const keyProvider = fromKeyRing({ ring: this.#store(), name: 'fleet', cipher: this.#cipher() });
    const instanceId = `instance-${String(this.#born++)}`;
    const client = new KeyedClient({ keyProvider, clock: this.clock, instanceId, ...this.#options.client });
    client.on('loaded', () => this.loads++);
    const { life } = this.#options;
    const endsAt = life === Infinity ? Infinity : this.clock.monotonic() - life * Math.log(1 - this.#dice.fraction());
    const instance = { client, endsAt, version: undefined };
    const old = this.#instances[place];
    this.#instances[place] = instance;
    if (old === undefined) this.#schedule(place);
    else void old.client.close();
  }

  #schedule(place) {
    // From one beat on, and the mean is `callEvery`.
    const after = 1 + this.#dice.below(Math.max(1, Math.round((2 * this.callEvery) / this.#options.beat) - 1));
    this.#beats[(this.#beat + after) % this.#beats.length].push(place);
  }

  /** Replaces every instance within so many ms, as a deployment does; at first, starts them. */
  deploy(within) {
    for (let place = 0; place < this.#options.instances; place++)
      this.clock.setTimeout(() => this.#start(place), this.#dice.below(within));
  }

  #fetchPrice(key) {
    if (this.clock.monotonic() < this.#lockedUntil)
      throw Object.assign(new Error('The account is locked.'), { status: 403 });
    if (this.#accepted.has(key)) return;
    this.refused++;
    this.#minute.refused++;
    const { lockAfter, lockFor } = this.#options;
    this.#refusals = this.#refusals.filter((at) => at > this.clock.monotonic() - MINUTE);
    this.#refusals.push(this.clock.monotonic());
    if (this.#refusals.length > lockAfter) {
      this.#lockedUntil = this.clock.monotonic() + lockFor;
      this.#refusals = [];
      this.locks++;
    }
    throw Object.assign(new Error('The key is not valid.'), { status: 401 });
  }

  async #call(instance) {
    this.calls++;
    try {
      await instance.client.withKey(async ({ apiKey, version }) => {
        this.#fetchPrice(apiKey);
        instance.version = version;
      });
    } catch (error) {
      const code = error.code ?? `status ${String(error.status)}`;
      this.failed[code] = (this.failed[code] ?? 0) + 1;
      this.#minute.failed++;
    }
  }

  /** How many instances were served by this version last. */
  using(version) {
    return this.#instances.reduce((count, instance) => count + (instance.version === version ? 1 : 0), 0);
  }

  /** Lets `ms` pass. `until` ends it earlier, asked every beat. */
  async pass(ms, until = () => false) {
    const end = this.clock.monotonic() + ms;
    while (this.clock.monotonic() < end && !until()) {
      this.#beat = (this.#beat + 1) % this.#beats.length;
      const due = this.#beats[this.#beat];
      this.#beats[this.#beat] = [];
      for (const place of due) {
        if (this.#instances[place].endsAt <= this.clock.monotonic()) this.#start(place);
        void this.#call(this.#instances[place]);
        this.#schedule(place);
      }
      await this.clock.advance(this.#options.beat);
    }
  }

  async close() {
    for (const { client } of this.#instances) await client.close();
  }
}
