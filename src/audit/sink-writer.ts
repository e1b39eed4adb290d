import { createMacPlaceholder, GENESIS, hashLine, seal } from './chain.js';
import type { AuditEvent, AuditRecord, AuditSink } from './types.js';

/** Hidden method of a sink that can be gone on with: resolves to its last line, without the line break. */
export const READ_LAST_LINE: unique symbol = Symbol.for('goldkey.audit.readLastLine');
/** Hidden method of a sink: lets go of what was removed under it, and resolves to whether it was. */
export const DROP_REMOVED: unique symbol = Symbol.for('goldkey.audit.dropRemoved');
/** Hidden property of a sink: bytes that may wait for it before records are added up. */
export const MAX_BUFFER: unique symbol = Symbol.for('goldkey.audit.maxBuffer');

/** A sink of this package. */
export interface ResumableSink extends AuditSink {
  [READ_LAST_LINE]?(): Promise<Uint8Array | undefined>;
  [DROP_REMOVED]?(): Promise<boolean>;
  readonly [MAX_BUFFER]?: number;
}

/** A record that a sink has not numbered yet. */
export type PendingRecord = Omit<AuditRecord, 'seq' | 'prev' | 'mac'>;

/** The part of an audit log that its sinks need. */
export interface LineSource {
  readonly chain: boolean;
  readonly chainKey: Uint8Array | undefined;
  /** Creates a record about the log itself. */
  createOwnRecord(event: AuditEvent): PendingRecord;
  /** Returns the line of a record, without any key. Throws if there is none. */
  formatLine(record: AuditRecord): string;
  /** Tells of a failure. */
  reportFailure(error: unknown): void;
}

interface Entry {
  readonly record: PendingRecord;
  isWriting: boolean;
  /** Set if somebody waits for this record: it is dropped with the failure that ends the wait. */
  readonly waiter?: { resolve(): void; reject(error: unknown): void } | undefined;
}

/** Number of records after which a checkpoint follows. */
const CHECKPOINT_RECORDS = 100;
/** Time in ms after which a checkpoint follows. */
const CHECKPOINT_MS = 300_000;
/** Size of a record in memory, about, in bytes. */
const RECORD_SIZE = 512;
const DEFAULT_MAX_BUFFER = 1_048_576;

/** Records that may be added up: each of them only counts. */
const COUNTED: ReadonlySet<AuditEvent> = new Set<AuditEvent>(['key.used', 'key.repaired', 'key.stale', 'key.rejected']);

/** Thrown for a record that cannot become a line. The records after it can. */
class LineError extends Error {}

/** Writes records to one sink, in order, each once: a record that failed is tried again with the next one. */
export class SinkWriter {
  readonly #sink: ResumableSink;
  readonly #source: LineSource;
  readonly #queue: Entry[] = [];
  #work: Promise<void> = Promise.resolve();
  #isOpen = false;
  #lastHash: string | undefined;
  #seq = 0;
  #sinceCheckpoint = 0;
  #checkpointAt = 0;

  constructor(sink: AuditSink, source: LineSource) {
    this.#sink = sink;
    this.#source = source;
    this.#start();
  }

  /** Queues a record. */
  add(record: PendingRecord): void {
    if (this.#addUp(record)) return;
    this.#queue.push({ record, isWriting: false });
    this.#start();
  }

  /** Resolves once these records are written; rejects, and drops them, if one cannot be. */
  async addAndWait(records: readonly PendingRecord[]): Promise<void> {
    const waits = records.map(
      (record) =>
        new Promise<void>((resolve, reject) => {
          this.#queue.push({ record, isWriting: false, waiter: { resolve, reject } });
        }),
    );
    this.#start();
    await Promise.all(waits);
  }

  /** Resolves when the queue was tried. With `seals` a checkpoint follows if there is a key for it. */
  flush(seals: boolean): Promise<void> {
    const isDue = (): boolean => this.#sinceCheckpoint > 0 && seals && this.#source.chainKey !== undefined;
    return this.#start(() => this.#writeCheckpoint(isDue()));
  }

  /** Ends the file that was written to so far, and opens the sink anew. */
  reopen(): Promise<void> {
    if (this.#sink.reopen === undefined) return this.#start();
    void this.#start(() => this.#writeCheckpoint(this.#sinceCheckpoint > 0));
    this.#work = this.#work.then(async () => {
      this.#isOpen = false;
      try {
        await this.#sink.reopen?.();
      } catch (error) {
        this.#source.reportFailure(error);
      }
    });
    return this.#start();
  }

  /** Writes the end of the log and closes the sink. */
  close(): Promise<void> {
    return this.#start(async () => {
      await this.#write(this.#source.createOwnRecord('closed'));
      await this.#writeCheckpoint(true);
    }).then(async () => {
      try {
        await this.#sink.close?.();
      } catch (error) {
        this.#source.reportFailure(error);
      }
    });
  }

  /** Adds a record to a queued one of its kind: repairs come by the thousand, and uses while the sink is too slow. */
  #addUp(record: PendingRecord): boolean {
    const isFull = this.#queue.length * RECORD_SIZE >= (this.#sink[MAX_BUFFER] ?? DEFAULT_MAX_BUFFER);
    if (record.event !== 'key.repaired' && !(isFull && COUNTED.has(record.event))) return false;
    const { event, client, version, stage, outcome } = record;
    const entry = this.#queue.find(
      ({ record: queued, isWriting }) =>
        !isWriting &&
        queued.event === event &&
        queued.client === client &&
        queued.version === version &&
        queued.stage === stage &&
        queued.outcome === outcome,
    );
    if (entry === undefined) return false;
    for (const count of ['uses', 'failures'] as const) {
      if (record[count] !== undefined) entry.record[count] = (entry.record[count] ?? 0) + record[count];
    }
    entry.record.time = record.time;
    return true;
  }

  /** Writes the queue after all that was started before, and then `last`. */
  #start(last?: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(async () => {
      // A record that comes later gets a try of its own: this one may have failed before it came.
      const awaited = this.#queue.filter(({ waiter }) => waiter !== undefined);
      try {
        await this.#open();
        await this.#drain();
        await last?.();
      } catch (error) {
        this.#fail(error, awaited);
      }
    });
    return this.#work;
  }

  async #open(): Promise<void> {
    if (this.#isOpen && (await this.#sink[DROP_REMOVED]?.()) !== true) return;
    if (this.#lastHash === undefined && this.#source.chain) {
      const last = await this.#sink[READ_LAST_LINE]?.();
      this.#lastHash = last === undefined ? GENESIS : hashLine(last);
    }
    await this.#write(this.#source.createOwnRecord('opened'));
    this.#isOpen = true;
  }

  async #drain(): Promise<void> {
    for (let entry = this.#queue[0]; entry !== undefined; entry = this.#queue[0]) {
      entry.isWriting = true;
      try {
        await this.#write(entry.record);
        entry.waiter?.resolve();
      } catch (error) {
        entry.isWriting = false;
        if (!(error instanceof LineError)) throw error;
        entry.waiter?.reject(error);
        this.#source.reportFailure(error);
      }
      this.#queue.shift();
      await this.#writeCheckpoint(this.#isCheckpointDue(Date.parse(entry.record.time)));
    }
  }

  #isCheckpointDue(now: number): boolean {
    return this.#sinceCheckpoint >= CHECKPOINT_RECORDS || now - this.#checkpointAt >= CHECKPOINT_MS;
  }

  async #writeCheckpoint(isDue: boolean): Promise<void> {
    if (!isDue || !this.#source.chain) return;
    const record = this.#source.createOwnRecord('checkpoint');
    await this.#write(record);
    this.#sinceCheckpoint = 0;
    this.#checkpointAt = Date.parse(record.time);
  }

  async #write(record: PendingRecord): Promise<void> {
    const { v, id, ...rest } = record;
    const seq = this.#seq + 1;
    const line = this.#buildLine({ v, id, seq, ...rest });
    await this.#sink.write(line);
    this.#seq = seq;
    this.#sinceCheckpoint++;
    if (this.#checkpointAt === 0) this.#checkpointAt = Date.parse(record.time);
    if (this.#source.chain) this.#lastHash = hashLine(line);
  }

  #buildLine(record: AuditRecord): string {
    const { chain, chainKey } = this.#source;
    try {
      if (!chain) return this.#source.formatLine(record);
      const chained = { ...record, prev: this.#lastHash };
      if (chainKey === undefined || record.event !== 'checkpoint') return this.#source.formatLine(chained);
      const mac = createMacPlaceholder();
      return seal(this.#source.formatLine({ ...chained, mac }), mac, chainKey);
    } catch {
      throw new LineError('A record could not be written, because it cannot be told without the key.');
    }
  }

  /** Tells of a failure. The records that were `awaited` go; the others stay for the next try. */
  #fail(error: unknown, awaited: readonly Entry[]): void {
    const others = this.#queue.filter((entry) => !awaited.includes(entry));
    this.#queue.splice(0, this.#queue.length, ...others);
    for (const { waiter } of awaited) waiter?.reject(error);
    this.#source.reportFailure(error);
  }
}
