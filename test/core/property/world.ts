import {
  KeyAccessDeniedError,
  KeyedClient,
  KeyProviderError,
  type KeyContext,
  type KeyProvider,
  type LoadRequest,
  type Rollout,
  type Stage,
} from '../../../src/index.js';
import { manualClock } from '../../../src/testing/index.js';
import { pause, refusal, watch, type Watched } from '../scene.js';

const TTL = 20_000;
const STALE = 15_000;
const KEY_TIMEOUT = 2_000;
const TIMEOUT = 4_000;

/** How the caller's function of one call behaves, beside what the price API says of the key. */
export type Manner = 'plain' | 'always refused' | 'busy once' | 'throws' | 'hangs';

export interface CallSpec {
  client: number;
  manner: Manner;
  /** How long one run takes, in ms. */
  duration: number;
  timeout: number | undefined;
  abortAfter: number | undefined;
  once: boolean;
}

/** One load as the store saw it. `seq` orders everything that happens. */
interface StoreLoad {
  readonly stage: Stage;
  readonly seq: number;
  orphan: boolean;
  running: boolean;
}

/** A key that the store has said to be good. */
interface Confirmed {
  readonly stage: Stage;
  readonly key: string;
  readonly asked: number;
  readonly seq: number;
  readonly wall: number;
  readonly mono: number;
}

interface Call {
  readonly spec: CallSpec;
  readonly startedAt: number;
  readonly seq: number;
  readonly ended: Watched<unknown>;
}

export type Fault = 'none' | 'passing' | 'for good';

/**
 * A store, a price API and some clients, on a clock that the test moves. It writes down what happens, and in
 * {@link World.broken} every promise that it sees broken.
 */
export class World {
  readonly clock = manualClock();
  readonly clients: KeyedClient[];
  readonly broken: string[] = [];
  readonly handed: Uint8Array[] = [];
  readonly copies: Uint8Array[] = [];
  readonly contexts: KeyContext[] = [];
  readonly calls: Call[] = [];
  readonly live = new Set<string>();
  readonly loads: StoreLoad[] = [];
  latency = 0;
  fault: Fault = 'none';
  /** The store does not listen to its signal. */
  stubborn = false;
  closes = 0;
  #seq = 0;
  #made = 0;
  #evicted = 0;
  readonly #retries: boolean;
  /** The store answers `unchanged` where it may. */
  readonly #unchanged: boolean;
  readonly #stages = new Map<Stage, string>();
  readonly #dropped = new Map<Stage, number>();
  readonly #confirmed: Confirmed[] = [];

  constructor(setup: { clients: number; retries: boolean; rollout: boolean; previous: boolean; unchanged: boolean }) {
    this.#retries = setup.retries;
    this.#unchanged = setup.unchanged;
    this.#stages.set('current', this.newKey());
    if (setup.previous) this.#stages.set('previous', this.newKey());
    if (setup.rollout) this.#stages.set('pending', this.newKey());
    for (const key of this.#stages.values()) this.live.add(key);
    const keyProvider: KeyProvider = {
      name: 'world',
      load: (request) => this.#load(request),
      close: async () => void this.closes++,
    };
    if (setup.rollout) keyProvider.rollout = async () => this.rollout;
    this.clients = Array.from(
      { length: setup.clients },
      (_, index) =>
        new KeyedClient({
          keyProvider,
          clock: this.clock,
          ttl: TTL,
          refreshAhead: 5_000,
          staleIfError: STALE,
          keyTimeout: KEY_TIMEOUT,
          timeout: TIMEOUT,
          instanceId: `instance-${String(index)}`,
          retry: setup.retries && index === 0 ? { retries: 2, minTimeout: 50 } : false,
        }),
    );
  }

  rollout: Rollout = { id: 'one', pendingPercent: 0 };

  newKey(): string {
    return `key-${String(++this.#made).padStart(6, '0')}`;
  }

  keyOf(stage: Stage): string | undefined {
    return this.#stages.get(stage);
  }

  put(stage: Stage, key: string | undefined): void {
    if (key === undefined) this.#stages.delete(stage);
    else this.#stages.set(stage, key);
  }

  evict(client: number): void {
    this.#evicted = ++this.#seq;
    for (const load of this.loads) if (load.running) load.orphan = true;
    this.clients[client % this.clients.length]?.evict();
  }

  call(spec: CallSpec): Call {
    const { clock } = this;
    const client = this.clients[spec.client % this.clients.length] as KeyedClient;
    const retried = this.#retries && client === this.clients[0];
    const refused = new Set<string>();
    const seq = ++this.#seq;
    let runs = 0;
    const controller = new AbortController();
    if (spec.abortAfter !== undefined) clock.setTimeout(() => controller.abort('the caller left'), spec.abortAfter);
    const promise = client.withKey(
      async (context) => {
        runs++;
        const { apiKey, stage, attempt } = context;
        this.contexts.push(context);
        this.copies.push(context.bytes);
        this.#handedOut(apiKey, stage, seq);
        if (refused.has(apiKey)) this.#break(`a call was given ${apiKey} again`);
        if (attempt !== runs) this.#break(`attempt says ${String(attempt)} in run ${String(runs)}`);
        if (runs > (spec.once ? 1 : retried ? 5 : 3)) this.#break(`a call ran ${String(runs)} times`);
        if (spec.manner === 'hangs') return new Promise(() => undefined);
        if (spec.duration > 0) await pause(clock, spec.duration);
        if (spec.manner === 'always refused' || !this.live.has(apiKey)) {
          refused.add(apiKey);
          throw refusal();
        }
        if (spec.manner === 'busy once' && runs === 1) throw Object.assign(new Error('busy'), { status: 503 });
        if (spec.manner === 'throws') throw new Error(`no price with ${apiKey}`);
        return apiKey;
      },
      { signal: controller.signal, once: spec.once, timeout: spec.timeout },
    );
    const call = { spec, seq, startedAt: clock.monotonic(), ended: watch(clock, promise) };
    this.calls.push(call);
    return call;
  }

  /** Closes what is still open, lets everything end, and looks at what is left. */
  async finish(): Promise<void> {
    const closing = this.clients.map((client) => watch(this.clock, client.close()));
    await this.clock.advance(TIMEOUT + KEY_TIMEOUT + 1_000);
    if (closing.some(({ state }) => state !== 'resolved')) this.#break('a client did not close');
    if (this.closes !== 1) this.#break(`the store was closed ${String(this.closes)} times`);
    for (const { spec, startedAt, ended } of this.calls) {
      const deadline = startedAt + (spec.timeout ?? TIMEOUT);
      if (ended.at === undefined || ended.at > deadline)
        this.#break(`a call outlived its deadline: ${JSON.stringify(spec)}`);
      if (spec.abortAfter !== undefined && (ended.at ?? Infinity) > startedAt + spec.abortAfter)
        this.#break('a call outlived its signal');
      if (String(ended.error).includes('key-')) this.#break(`a key left in an error: ${String(ended.error)}`);
    }
    if (!this.handed.every((bytes) => bytes.every((byte) => byte === 0)))
      this.#break('bytes of the store were not zeroed');
    if (!this.copies.every((bytes) => bytes.every((byte) => byte === 0)))
      this.#break('a copy of the bytes was not zeroed');
    for (const context of this.contexts) {
      for (const name of ['apiKey', 'bytes', 'version', 'stage', 'attempt', 'signal'] as const) {
        let read = true;
        try {
          void context[name];
        } catch {
          read = false;
        }
        if (read) this.#break(`\`${name}\` of a settled call could be read`);
      }
    }
    const { loads } = this.clients[0]?.status().counts ?? {};
    if (loads !== this.loads.length) this.#break(`counted ${String(loads)} loads of ${String(this.loads.length)}`);
    const refusedEarly = this.calls.filter(
      ({ ended }) => (ended.error as { code?: string } | undefined)?.code === 'ERR_GOLDKEY_CLOSED',
    );
    const counted = this.clients.reduce((sum, client) => sum + client.status().counts.calls, 0);
    if (counted > this.calls.length || counted < this.calls.length - refusedEarly.length)
      this.#break(`counted ${String(counted)} calls`);
  }

  async #load({ stage, signal, known }: LoadRequest): Promise<never> {
    const load: StoreLoad = { stage, seq: ++this.#seq, orphan: false, running: true };
    if (this.loads.some((other) => other.stage === stage && other.running && !other.orphan)) {
      this.#break(`two loads of ${stage} at once`);
    }
    this.loads.push(load);
    signal.addEventListener('abort', () => (load.running = false), { once: true });
    try {
      if (this.latency > 0) await pause(this.clock, this.latency, this.stubborn ? undefined : signal);
      if (this.fault === 'passing') throw new KeyProviderError('down');
      if (this.fault === 'for good') {
        if (load.running && !load.orphan) void this.#droppedSoon(load);
        throw new KeyAccessDeniedError('no');
      }
      return this.#answer(load, known) as never;
    } finally {
      load.running = false;
    }
  }

  #answer(load: StoreLoad, known: readonly string[] | undefined): unknown {
    const { stage } = load;
    const key = this.#stages.get(stage);
    if (key === undefined) return undefined;
    const { clock } = this;
    this.#confirmed.push({ stage, key, asked: load.seq, seq: ++this.#seq, wall: clock.now(), mono: clock.monotonic() });
    const version = `v${key.slice(4)}`;
    if (this.#unchanged && known?.includes(version) === true) return { unchanged: true, version };
    const bytes = new TextEncoder().encode(key);
    this.handed.push(bytes);
    return { bytes, version };
  }

  /** Once the client has had the time to hear of it, no key that came before must be seen again. */
  async #droppedSoon(load: StoreLoad): Promise<void> {
    const seq = ++this.#seq;
    for (let turn = 0; turn < 20; turn++) await undefined;
    if (!load.orphan) this.#dropped.set(load.stage, seq);
  }

  #handedOut(key: string, stage: Stage, callSeq: number): void {
    const wall = this.clock.now();
    const mono = this.clock.monotonic();
    const known = this.#confirmed.filter((one) => one.stage === stage && one.key === key);
    if (known.length === 0) return this.#break(`${key} was never the key of ${stage}`);
    const alive = known.filter((one) => wall - one.wall < TTL + STALE && mono - one.mono < TTL + STALE);
    if (alive.length === 0) return this.#break(`${key} was handed out past its end`);
    if (!alive.some(({ seq }) => seq > (this.#dropped.get(stage) ?? 0)))
      return this.#break(`${key} was handed out after its end was said`);
    const evicted = this.#evicted;
    if (callSeq > evicted && !alive.some(({ asked }) => asked > evicted))
      this.#break(`${key} was handed out after an eviction`);
    return undefined;
  }

  #break(what: string): void {
    this.broken.push(`${what}, at ${String(this.clock.monotonic())}`);
  }
}
