// One price API with a KMS of its own and a client: what can go wrong with them, and what may be seen of it.
import { inspect } from 'node:util';
import { GoldDataClient, isGoldKeyError } from 'goldkey';
import { fromKms } from 'goldkey/kms';
import { fromKmsLight } from 'goldkey/kms-light';
import { startFakeKms, startFakePriceApi } from 'goldkey/testing';
import { LoadLedger } from '../proof/lib/load-ledger.mjs';
import { SecretWatch } from '../proof/lib/secret-watch.mjs';
import { FaultLog } from './soak-faults.mjs';
import { KnownQuotes } from './soak-quotes.mjs';

const CREDENTIALS = { accessKeyId: 'AKIDSOAK', secretAccessKey: 'an-invented-secret' };
const CONTEXT = { service: 'gold-data-stream', environment: 'soak' };
/** The ways to KMS. */
export const STORES = [
  (endpoint, options) => fromKms({ ...options, clientConfig: { endpoint, credentials: CREDENTIALS } }),
  (endpoint, options) => fromKmsLight({ ...options, endpoint, credentials: CREDENTIALS }),
];
const TIMEOUT = 10_000;
/** The clock's sums of fractions of a millisecond are a little off. */
const ROUNDING = 0.001;
const EVENTS = ['loaded', 'load-failed', 'stale', 'evicted', 'key-rejected', 'repaired', 'retry', 'closed'];

/** `call`, with its beginning and its end told. */
function counted(call, before, after) {
  return async (...args) => {
    before();
    try {
      return await call(...args);
    } finally {
      after();
    }
  };
}

export class Desk {
  /** What was promised and not held. */
  violations = [];
  events = Object.fromEntries(EVENTS.map((event) => [event, 0]));
  outcomes = {};
  calls = 0;
  rotations = 0;
  inFlight = 0;
  /** The most of each that went on at once. */
  most = { calls: 0, fetches: 0, loads: 0 };
  /** No fault is about: whoever calls gets a quote. */
  calm = false;
  /** The key in use is refused, and there is no other. */
  keyless = false;
  /** The store has another key than the one that was loaded last. */
  behind = false;
  /** For how long, in ms, its callers ask again and again when something has gone wrong that lasts. */
  alarmFor = 60_000;
  #alarmedUntil = 0;
  progress = 0;
  priceFaults = new FaultLog();
  kmsFaults = new FaultLog();
  #secret;
  #number = 0;
  #installed = 0;
  #key = '';
  #ciphertext = '';
  #fetches = 0;
  #loads = 0;
  /** Requests that no answer came to while anything was being fetched. */
  #unanswered = 0;
  #asked = 0;
  #quotes = new KnownQuotes();
  #watched;

  static async open(name, adapter, store, clock, secret) {
    const desk = new Desk();
    desk.name = name;
    desk.clock = clock;
    desk.#secret = secret;
    desk.ledger = new LoadLedger(clock);
    desk.#watched = new SecretWatch(secret);
    desk.kms = await startFakeKms({ credentials: CREDENTIALS });
    desk.api = await startFakePriceApi({ api: name });
    desk.gold = desk.#client(adapter, store);
    for (const event of EVENTS) desk.gold.on(event, (payload) => desk.#heard(event, payload));
    desk.accept(desk.newKey());
    desk.install();
    await desk.#quotes.learn(desk.gold);
    return desk;
  }

  #client(adapter, store) {
    const { keyArn: keyId, region, url } = this.kms;
    const keyProvider = store(url, { ciphertext: () => this.#ciphertext, encryptionContext: CONTEXT, keyId, region });
    const prices = adapter({ baseUrl: this.api.url });
    const before = () => {
      this.#most('fetches', ++this.#fetches);
      this.progress++;
    };
    const after = () => {
      this.progress++;
      if (--this.#fetches === 0) this.#unanswered = 0;
    };
    return new GoldDataClient({
      keyProvider: { ...keyProvider, load: (request) => this.#load(keyProvider, request) },
      clock: this.clock,
      // Here every refusal reaches the price API: what the gate keeps from it has tests of its own.
      refusalGate: false,
      ...prices,
      // The event of a refusal is told once a second at most: every one counts here.
      isKeyRejected: (outcome) => {
        const isRejected = prices.isKeyRejected(outcome);
        if (isRejected) this.ledger.refused();
        return isRejected;
      },
      fetchPrice: counted(prices.fetchPrice, before, after),
      fetchPrices: prices.fetchPrices && counted(prices.fetchPrices, before, after),
    });
  }

  async #load(keyProvider, request) {
    if (request.stage !== 'current') return keyProvider.load(request);
    if (this.#loads === 0) this.#asked = 0;
    this.#most('loads', ++this.#loads);
    this.progress++;
    const ended = this.ledger.begin();
    const number = this.#installed;
    let version;
    try {
      const key = await keyProvider.load(request);
      version = key.version;
      if (number === this.#installed) this.behind = false;
      return key;
    } finally {
      this.#watchKms();
      ended(version);
      this.#loads--;
      this.progress++;
    }
  }

  newKey() {
    this.#key = `${this.#secret}${String(++this.#number).padStart(6, '0')}`;
    return this.#key;
  }

  get key() {
    return this.#key;
  }

  accept(key) {
    this.api.accept(key);
  }

  revoke(key) {
    this.api.revoke(key);
  }

  /** Puts the newest key's ciphertext in its place. */
  install() {
    this.#installed = this.#number;
    this.behind = true;
    this.#ciphertext = this.kms.encrypt(this.#key, CONTEXT);
  }

  /** Something has gone wrong that lasts. */
  alarm() {
    this.#alarmedUntil = this.clock.monotonic() + this.alarmFor;
  }

  get alarmed() {
    return this.clock.monotonic() < this.#alarmedUntil;
  }

  fault(fault, times) {
    this.watch();
    this.priceFaults.add(fault, times);
    this.api.inject(fault, { times });
  }

  kmsFault(fault, times) {
    this.watch();
    this.kmsFaults.add(fault, times);
    this.kms.inject(fault, { times, operation: 'Decrypt' });
  }

  /** KMS is well again. */
  healKms() {
    this.watch();
    this.kmsFaults.clear();
    this.kms.reset();
  }

  /**
   * Takes down what has come to the fakes, and has them forget it: what is measured is the client's memory. Not while an
   * answer is being given.
   */
  watch() {
    for (const { status } of this.api.calls) {
      this.priceFaults.take(status);
      if (status === 0 && this.#fetches > 0) this.#unanswered++;
      this.progress++;
    }
    this.api.calls.length = 0;
    this.#watchKms();
  }

  #watchKms() {
    for (const { status } of this.kms.requests) {
      const fault = this.kmsFaults.take(status);
      this.ledger.asked(status !== 200 || fault === 'truncated');
      this.#asked++;
      this.progress++;
    }
    this.kms.requests.length = 0;
  }

  /** What it waits for: see `quiet`. */
  state() {
    this.watch();
    if (this.#fetches > this.#unanswered || (this.#loads > 0 && this.#asked === 0)) return 'coming';
    return this.#fetches === 0 && this.#loads === 0 ? 'idle' : 'held';
  }

  /** One call, by whatever way the queries at `indexes` lead. It never rejects. */
  async call(indexes, options = {}, together = indexes.length > 1) {
    const { clock } = this;
    const startedAt = clock.monotonic();
    const picked = this.#quotes.at(indexes);
    const queries = picked.map(({ query }) => query);
    // Who runs once is refused with the old key; the new one is for the next.
    const mayBeRefused = this.keyless || (this.behind && options.once === true);
    this.calls++;
    this.inFlight++;
    this.#most('calls', this.inFlight);
    let outcome;
    let error;
    try {
      const answer = await (together ? this.gold.getPrices(queries, options) : this.gold.getPrice(queries[0], options));
      this.ledger.served();
      outcome = 'quote';
      this.#quoted(together ? answer : [answer], picked);
    } catch (thrown) {
      error = thrown;
      outcome = this.#failed(thrown, options.signal);
    }
    this.inFlight--;
    this.progress++;
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
    const took = clock.monotonic() - startedAt;
    if (took > (options.timeout ?? TIMEOUT) + ROUNDING) this.#break(`a call (${outcome}) took ${String(took)} ms`);
    const served = outcome === 'quote' || outcome === 'aborted by the caller';
    if (this.calm && !served && !(mayBeRefused && outcome === 'ERR_GOLDKEY_REJECTED'))
      this.#break(`in calm, ${outcome} at ${String(startedAt)} ms: ${String(error)}`);
    return { outcome, error };
  }

  /** An order to the client, whose answer is a typed error, or none. */
  async order(name) {
    if (name === 'evict') {
      this.ledger.evicted();
      this.gold.evict();
      return;
    }
    this.ledger.reloaded();
    this.inFlight++;
    await this.gold.reload().catch((error) => {
      const outcome = `reload(): ${this.#failed(error, undefined)}`;
      this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
      if (this.calm) this.#break(`in calm, ${outcome}`);
    });
    this.inFlight--;
    this.progress++;
  }

  async close() {
    await this.gold.close();
    this.calm = false;
    const { outcome } = await this.call([0]);
    if (outcome !== 'ERR_GOLDKEY_CLOSED') this.#break(`a call after close() gave ${outcome}`);
    await Promise.all([this.api.close(), this.kms.close()]);
  }

  #quoted(quotes, picked) {
    const flaw = this.#quotes.flawIn(quotes, picked);
    if (flaw !== undefined) this.#break(flaw);
    if (this.#watched.isIn(quotes, 'quote')) this.#break('the key in a quote');
  }

  #failed(error, signal) {
    if (signal?.aborted === true && error === signal.reason) return 'aborted by the caller';
    if (!isGoldKeyError(error)) {
      this.#break(`an error without a type: ${inspect(error)}`);
      return 'an error without a type';
    }
    const outcome = error.kind === undefined ? error.code : `${error.code} ${error.kind}`;
    if (this.#watched.isIn(error, outcome)) this.#break(`the key in an error, ${outcome}`);
    return outcome;
  }

  #heard(event, payload) {
    this.events[event]++;
    if (this.#watched.isIn(payload, event)) this.#break(`the key in an event, ${event}`);
  }

  #most(what, now) {
    this.most[what] = Math.max(this.most[what], now);
  }

  #break(what) {
    // The first ones tell; a thousand of the same do not.
    if (this.violations.length < 20) this.violations.push(`${this.name}: ${what}`);
  }
}
