import { hostname } from 'node:os';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  describeType,
  getClientState,
  hasSubscribers,
  invalidType,
  KeyedClient,
  nodeCrypto,
  nodeTypes,
  publishOn,
  readErrorName,
  redactValue,
  systemClock,
  tryOrUndefined,
  waitAtMost,
  type Clock,
  type KeyEvents,
  type KeyProvider,
} from '../core/index.js';
import { describeAlert, describeEvent, describeStep, RECORDED_EVENTS } from './events.js';
import { SinkWriter, type LineSource, type PendingRecord } from './sink-writer.js';
import type { Audit, AuditEvent, AuditOptions, AuditRecord, AuditSink } from './types.js';
import { UsageCounter, type RecordDetails } from './usage.js';

/** The options of an audit log, checked. */
export interface CheckedAuditOptions extends Pick<AuditOptions, 'actor' | 'format' | 'onError'> {
  readonly usageInterval: number;
  readonly chain: boolean;
  readonly chainKey: Uint8Array | undefined;
}

/** Longest time that `close()` waits for the sinks, in ms. */
const CLOSE_TIMEOUT_MS = 10_000;
const MAX_CLOSED_CLIENTS = 16;
/** Name of the log in the records about itself. */
const OWN_NAME = 'goldkey/audit';

/** Returns the log behind an {@link Audit}; `undefined` if it is none. */
export let getAuditLog: (audit: object) => AuditLog | undefined;

/** An audit log: turns events, counts and messages into records for every sink. */
export class AuditLog implements Audit, LineSource {
  readonly chain: boolean;
  readonly chainKey: Uint8Array | undefined;
  readonly #options: CheckedAuditOptions;
  readonly #writers: readonly SinkWriter[];
  readonly #counters = new Map<KeyedClient, UsageCounter>();
  readonly #unsubscribers = new Map<KeyedClient, ReadonlyArray<() => void>>();
  /** Stores that record their loads themselves, before they hand over a key. */
  readonly #auditedProviders = new WeakSet<KeyProvider>();
  /** The last clients that closed: their keys are looked for on. */
  #closedClients: readonly KeyedClient[] = [];
  readonly #timers = new Map<Clock, { cancel(): void }>();
  readonly #host = hostname();
  #closed: Promise<void> | undefined;
  #hasWarned = false;

  static {
    getAuditLog = (audit) => (#options in audit ? audit : undefined);
  }

  constructor(sinks: readonly AuditSink[], options: CheckedAuditOptions) {
    this.#options = options;
    this.chain = options.chain;
    this.chainKey = options.chainKey;
    this.#writers = sinks.map((sink) => new SinkWriter(sink, this));
    subscribe('goldkey:rotation-step', this.#onStep);
    subscribe('goldkey:alert', this.#onAlert);
  }

  /** @see Audit */
  add(clients: KeyedClient | readonly KeyedClient[]): void {
    const added = checkClients(clients);
    if (this.#closed !== undefined) return;
    for (const client of added) {
      if (this.#counters.has(client)) continue;
      const counter = new UsageCounter(client);
      this.#counters.set(client, counter);
      this.#unsubscribers.set(client, [
        ...RECORDED_EVENTS.map((event) => client.on(event, (payload) => this.#onEvent(counter, event, payload))),
        client.on('rollout-changed', () => counter.note()),
        client.on('closed', () => this.#onClientClosed(counter)),
      ]);
      this.#startTimer(getClientState(client).options.clock);
    }
  }

  /** @see Audit */
  async flush(): Promise<void> {
    if (this.#closed !== undefined) return this.#closed;
    this.#recordUses(this.#counters.values());
    await Promise.all(this.#writers.map((writer) => writer.flush(true)));
  }

  /** @see Audit */
  async reopen(): Promise<void> {
    if (this.#closed !== undefined) return this.#closed;
    await Promise.all(this.#writers.map((writer) => writer.reopen()));
  }

  /** @see Audit */
  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  /** Lets the events of this store's loads be recorded by {@link AuditLog.recordLoad} alone. */
  addAuditedProvider(provider: KeyProvider): void {
    this.#auditedProviders.add(provider);
  }

  /**
   * Records a load before its `key` is handed over, which no client knows yet. Resolves once a sink has it; rejects if none
   * has.
   */
  async recordLoad(
    provider: KeyProvider,
    details: Omit<RecordDetails, 'client' | 'provider'>,
    key: string | undefined,
  ): Promise<void> {
    if (this.#closed !== undefined) throw new Error('The audit log has been closed.');
    const users = [...this.#counters.keys()].filter(
      (client) => getClientState(client).options.keyProvider === provider,
    );
    // A load may come before its client was added.
    const names = users.length === 0 ? [provider.name] : users.map((client) => client.status().name);
    const records = names.map((client) =>
      redactValue(this.#createRecord({ client, provider: provider.name, ...details }), key === undefined ? [] : [key]),
    );
    await Promise.any(this.#writers.map((writer) => writer.addAndWait(records)));
  }

  /** @see LineSource */
  createOwnRecord(event: AuditEvent): PendingRecord {
    const about = { outcome: 'success', severity: 'info', client: OWN_NAME, provider: OWN_NAME } as const;
    return this.#createRecord({ at: this.#clock.now(), event, ...about });
  }

  /** @see LineSource */
  formatLine(record: AuditRecord): string {
    const text = this.#serialize(record);
    const clean = this.#redact(text);
    if (clean === text || isJson(clean)) return escapeLine(clean);
    // The key is a piece of JSON itself.
    const copy = JSON.stringify(this.#redact(JSON.parse(text) as unknown));
    if (this.#redact(copy) !== copy) throw new Error('The record holds the key in its structure.');
    return escapeLine(copy);
  }

  /** @see LineSource */
  reportFailure(error: unknown): void {
    const { onError } = this.#options;
    const shown = tryOrUndefined(() => this.#redact(error)) ?? new Error('An audit sink failed.');
    tryOrUndefined(() => {
      ignorePromise(onError?.(shown));
    });
    if (hasSubscribers('audit-failed')) tryOrUndefined(() => publishOn('audit-failed', { error: shown }));
    else if (onError === undefined && !this.#hasWarned) {
      this.#hasWarned = true;
      const kind = readErrorName(error) ?? 'not an Error';
      const message = `An audit sink failed (${kind}); its records wait in memory. Give \`audit()\` an \`onError\` to see why.`;
      process.emitWarning(message, { type: 'GoldKeyWarning', code: 'GOLDKEY_AUDIT_FAILED' });
    }
  }

  readonly #onStep = (message: unknown): void => {
    this.#record(describeStep(message, this.#clock.now()));
  };

  readonly #onAlert = (message: unknown): void => {
    this.#record(describeAlert(message, this.#clock.now()));
  };

  #onEvent<E extends keyof KeyEvents>(counter: UsageCounter, event: E, payload: KeyEvents[E]): void {
    counter.note();
    const { keyProvider } = getClientState(counter.client).options;
    if (event === 'loaded' && this.#auditedProviders.has(keyProvider)) return;
    const details = describeEvent(event, payload);
    if (details !== undefined) this.#record(details);
  }

  #onClientClosed(counter: UsageCounter): void {
    const { client } = counter;
    this.#recordUses([counter]);
    for (const stop of this.#unsubscribers.get(client) ?? []) stop();
    this.#unsubscribers.delete(client);
    this.#counters.delete(client);
    this.#closedClients = [...this.#closedClients, client].slice(-MAX_CLOSED_CLIENTS);
  }

  #recordUses(counters: Iterable<UsageCounter>): void {
    for (const counter of counters) for (const details of counter.take()) this.#record(details);
  }

  #record(details: RecordDetails): void {
    const record = this.#createRecord(details);
    // A copy for each, because each adds up by itself.
    for (const writer of this.#writers) writer.add({ ...record });
  }

  #createRecord({ at, ...details }: RecordDetails): PendingRecord {
    const time = tryOrUndefined(() => new Date(at).toISOString()) ?? new Date().toISOString();
    const record = { v: 1 as const, id: nodeCrypto().randomUUID(), time, ...details, host: this.#host };
    return { ...record, pid: process.pid, actor: this.#readActor() };
  }

  #readActor(): string | undefined {
    const { actor } = this.#options;
    const name: unknown = typeof actor === 'function' ? tryOrUndefined(actor) : actor;
    ignorePromise(name);
    return typeof name === 'string' ? name : undefined;
  }

  #serialize(record: AuditRecord): string {
    const { format } = this.#options;
    if (format !== undefined) {
      try {
        const event: unknown = format({ ...record });
        ignorePromise(event);
        const text: unknown = JSON.stringify(event);
        if (typeof text === 'string' && text.startsWith('{') && text !== '{}') return text;
        throw new TypeError('`format` returned no object with fields of its own, so the record was written as it is.');
      } catch (error) {
        this.reportFailure(error);
      }
    }
    return JSON.stringify(record);
  }

  #redact<T>(value: T): T {
    let clean = value;
    for (const client of [...this.#counters.keys(), ...this.#closedClients]) clean = client.redact(clean);
    return clean;
  }

  get #clock(): Clock {
    const [client] = [...this.#counters.keys(), ...this.#closedClients];
    return client === undefined ? systemClock : getClientState(client).options.clock;
  }

  /** Records the uses of all clients on a clock, again and again, for as long as there is one. */
  #startTimer(clock: Clock): void {
    if (this.#timers.has(clock)) return;
    const arm = (): void => {
      this.#timers.set(clock, clock.setTimeout(onDue, this.#options.usageInterval, { unref: true }));
    };
    const onDue = (): void => {
      const counters = [...this.#counters.values()].filter(
        ({ client }) => getClientState(client).options.clock === clock,
      );
      if (counters.length === 0) {
        this.#timers.delete(clock);
        return;
      }
      this.#recordUses(counters);
      // Records that a sink did not take are tried again.
      for (const writer of this.#writers) void writer.flush(false);
      arm();
    };
    arm();
  }

  async #close(): Promise<void> {
    this.#recordUses(this.#counters.values());
    unsubscribe('goldkey:rotation-step', this.#onStep);
    unsubscribe('goldkey:alert', this.#onAlert);
    for (const unsubscribers of this.#unsubscribers.values()) for (const stop of unsubscribers) stop();
    for (const timer of this.#timers.values()) timer.cancel();
    const ended = Promise.all(this.#writers.map((writer) => writer.close())).then(() => undefined);
    await waitAtMost(ended, CLOSE_TIMEOUT_MS, this.#clock);
  }
}

/** Returns one client or several as a list. */
export function checkClients(clients: KeyedClient | readonly KeyedClient[]): readonly KeyedClient[] {
  const all = [clients].flat();
  for (const client of all) {
    if (client instanceof KeyedClient) continue;
    throw invalidType(`\`clients\` must be clients of goldkey, got ${describeType(client)}.`);
  }
  return all;
}

/** Lets a promise that a function of the user's returned, though nobody waits for it, fail unseen. */
function ignorePromise(answer: unknown): void {
  if (nodeTypes().isPromise(answer)) answer.catch(() => undefined);
}

function isJson(text: string): boolean {
  return tryOrUndefined(() => JSON.parse(text) as unknown) !== undefined;
}

/** Returns a line without the two characters that JSON allows and that some readers of lines take for line breaks. */
function escapeLine(text: string): string {
  return text.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}
