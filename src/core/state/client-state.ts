import type { CachedKey } from '../cache/cached-key.js';
import type { CachedKeys, CacheUser, EventDetails } from '../cache/cached-keys.js';
import type { KeyCache } from '../cache/key-cache.js';
import type { StageState } from '../cache/stage-state.js';
import { hasSubscribers, Listeners, publish, publishOn, type EventName } from '../events.js';
import type { KeyEvents } from '../key-events.js';
import { closedError, KeyRejectedError, type GoldKeyError } from '../errors.js';
import type { CheckedOptions } from '../options.js';
import { scrub } from '../redaction/redact.js';
import { getProcessName, getUseReporter } from '../cache/report-use.js';
import { getWallClock, systemWallClock } from '../util/wall-clock.js';
import { Canary } from './canary.js';
import { RefusalGate } from './refusal-gate.js';
import { judgesResults } from './result-checks.js';
import { getDeadlineTimer, systemDeadlineTimer, type DeadlineTimer, type RunningCall } from './deadline-timer.js';

/** A running call, as its client sees it. */
export interface KeyHolder extends RunningCall {
  readonly client: ClientState;
  end(reason: unknown): void;
}

/** The gates of clients whose key was refused: most have none. */
const gates = new WeakMap<ClientState, RefusalGate>();

/** Called when the last call of a closing client has settled. */
const idleCallbacks = new WeakMap<ClientState, () => void>();

/** Clients that were told that their `fetchPrice` returns a `Response`. */
const warned = new WeakSet<ClientState>();

/** The state behind one client. */
export class ClientState implements CacheUser {
  // Fields that every call reads come first, so that they lie together in memory.
  /** The key of the last warm call: the stage's, or one whose `warmUntil` is over. */
  #warmKey: CachedKey | undefined;
  readonly deadlines: DeadlineTimer;
  runningCalls = 0;
  calls = 0;
  /** Creates the error of every call, once the client closes or is held: no call starts any more. */
  #refusal: (() => GoldKeyError) | undefined;
  /** True if a function of the caller's has to look at every result. */
  readonly judgesResults: boolean;
  /** The stage whose key this client uses. */
  stage: StageState;
  readonly keys: CachedKeys;
  readonly options: CheckedOptions;
  readonly cache: KeyCache;
  rejections = 0;
  repairs = 0;
  retries = 0;
  #canary: Canary | undefined;
  #listeners: Listeners | undefined;

  constructor(options: CheckedOptions, cache: KeyCache) {
    this.options = options;
    this.cache = cache;
    this.keys = cache.keys;
    this.deadlines = getDeadlineTimer(options.clock);
    this.judgesResults = judgesResults(options.isKeyRejected) || judgesResults(options.isTransient);
    this.stage = this.keys.current;
    // A spread would reserve memory for sixteen more.
    this.keys.users = this.keys.users.concat(this);
    this.rolloutChanged();
  }

  get name(): string {
    return this.options.name;
  }

  /** True if the `pending` key may be used at all: there is a rollout, and this client has not left it. */
  get mayFallBackToPending(): boolean {
    const { rollout } = this.keys;
    return rollout !== undefined && this.canary.mayFallBackToPending(rollout);
  }

  rolloutChanged(): void {
    const { rollout } = this.keys;
    const usesPending = rollout !== undefined && this.canary.usesPending(rollout);
    this.stage = this.keys.stage(usesPending ? 'pending' : 'current');
    this.#warmKey = undefined;
  }

  get canary(): Canary {
    return (this.#canary ??= new Canary(this.options.instanceId));
  }

  get listeners(): Listeners {
    return (this.#listeners ??= new Listeners());
  }

  hasListener(event: EventName): boolean {
    return this.#listeners?.has(event) === true;
  }

  notify<E extends EventName>(event: E, payload: KeyEvents[E]): void {
    this.#listeners?.notify(event, payload);
  }

  /** Tells this client's listeners and the diagnostics channel. */
  emit<E extends EventName>(event: E, about: CachedKey | StageState, details: EventDetails<E>): void {
    if (!this.hasListener(event) && !hasSubscribers(event)) return;
    const payload = this.keys.buildPayload(this.name, about, details);
    this.notify(event, payload);
    publish(event, payload);
  }

  /** Returns the key if it may be handed out without any other check: one wall-clock reading is the whole warm path. */
  getWarmKey(): CachedKey | undefined {
    // Calling through `options.clock` would read one more object, and among many tenants each is a cache miss.
    const isSystem = this.deadlines === systemDeadlineTimer;
    const now = isSystem ? Date.now() : this.options.clock.now();
    const wallClock = isSystem ? systemWallClock : getWallClock(this.options.clock);
    let key = this.#warmKey;
    if (key === undefined || now >= key.warmUntil) {
      this.#warmKey = key = this.stage.key;
      if (key === undefined || now >= key.warmUntil) return undefined;
    }
    if (now < wallClock.highest || key.clockSteps !== wallClock.steps) return undefined;
    wallClock.highest = now;
    return key;
  }

  /** Returns the error that leaves this client: without any key that it holds or has held. */
  scrub(error: unknown): unknown {
    try {
      return scrub(error, this.keys.secrets, this.keys.goneForms);
    } catch {
      // Something that the search needs was replaced, e.g. `performance`. The caller is told all the same.
      return new Error('The call failed. Its error could not be searched for the key, so it is not shown.');
    }
  }

  /** Returns the error of a call that may not run with `key`, because the price API keeps refusing it. */
  enterGate(key: CachedKey): KeyRejectedError | undefined {
    const gate = gates.get(this);
    if (gate === undefined) return undefined;
    if (gate.isAboutAnother(key.digest)) this.openGate();
    this.closeGateIfDue();
    const { clock, keyProvider } = this.options;
    const wait = gate.enter(key.digest, clock.monotonic());
    if (wait === 0) return undefined;
    // The store may have another key by now, and asking it costs the price API nothing.
    this.cache.reloadRefused(this.keys.current);
    return new KeyRejectedError(
      `The price API keeps refusing the key (version ${key.version}), so it is asked only now and then; check the account, or rotate the key.`,
      { retryAfter: wait, provider: keyProvider.name, version: key.version },
    );
  }

  /** Tells the store that a call succeeded with `key`, if it wants to know. */
  reportUse({ version }: CachedKey): void {
    const { keyProvider, instanceId, clock } = this.options;
    getUseReporter(keyProvider)?.({ instance: instanceId ?? getProcessName(), version, at: clock.now() });
  }

  /** Notes that the price API refused a call with `key`. */
  noteRefusal(key: CachedKey): void {
    const { refusalGate } = this.options;
    if (refusalGate === undefined) return;
    let gate = gates.get(this);
    if (gate === undefined) gates.set(this, (gate = new RefusalGate(refusalGate)));
    gate.noteRefusal(key.digest);
    // Each call looks at the gate until one succeeds with this key.
    key.firstSuccessPending ??= 'rejected';
    key.warmUntil = 0;
  }

  /** Closes the gate once enough calls were refused and the store, asked since, has confirmed the key. */
  closeGateIfDue(): void {
    const { current } = this.keys;
    if (current.key?.verdict !== 'rejected' || current.isFailing) return;
    const gate = gates.get(this);
    const retryAfter = gate?.closeIfDue(this.options.clock.monotonic());
    if (gate === undefined || retryAfter === undefined) return;
    const { key } = this.stage;
    if (key !== undefined) {
      key.verdict = 'rejected';
      // The next warm call meets the gate.
      key.warmUntil = 0;
    }
    this.emit('gate-closed', key ?? this.stage, { refusals: gate.refusals, retryAfter });
  }

  openGate(): void {
    if (gates.get(this)?.open() === true) this.emit('gate-opened', this.stage, {});
  }

  get isGateClosed(): boolean {
    return gates.get(this)?.isClosed === true;
  }

  /** Tells once that a price is a `Response`: its body has not been read, and its status may be 500. */
  warnOfResponse(status: number): void {
    if (warned.has(this)) return;
    warned.add(this);
    publishOn('response-as-price', { name: this.name, status });
  }

  addCall(call: KeyHolder): void {
    this.calls++;
    this.runningCalls++;
    this.deadlines.add(call);
  }

  removeCall(call: KeyHolder): void {
    this.deadlines.remove(call);
    if (--this.runningCalls === 0 && this.#refusal !== undefined) idleCallbacks.get(this)?.();
  }

  /** Creates the error of a call that may not start; `undefined` if calls may. */
  get refusal(): (() => GoldKeyError) | undefined {
    return this.#refusal;
  }

  /** True once {@link ClientState.close} has been called. */
  get isClosing(): boolean {
    return this.#refusal === closedError;
  }

  /** Refuses calls, ends the running ones with that error and zeroes the key, until {@link ClientState.release}. */
  hold(createError: () => GoldKeyError, reason: string): void {
    if (this.isClosing) return;
    this.#refusal = createError;
    this.endCalls(createError());
    this.cache.evict(reason);
  }

  /** Lets calls start again. */
  release(): void {
    if (!this.isClosing) this.#refusal = undefined;
  }

  /** Refuses new calls. Resolves when no call is running. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#refusal = closedError;
      idleCallbacks.set(this, resolve);
      if (this.runningCalls === 0) resolve();
    });
  }

  /** Ends every running call, before the next task. */
  endCalls(reason: unknown): void {
    if (this.runningCalls > 0) this.deadlines.endSoon(this, reason);
  }
}
