import { checkOptionNames, isPlainObject, tryOrUndefined } from '../core/index.js';
import { checkChainKey, GENESIS, hashLine, isSealed } from './chain.js';

/** Options of {@link verifyAudit}. */
export interface VerifyAuditOptions {
  /** Key of the checkpoints: their `mac` is checked, and each writer's last record must be a checkpoint. */
  chainKey?: Uint8Array | undefined;
}

/** Result of {@link verifyAudit}. */
export interface AuditVerdict {
  /** Number of lines read, empty ones aside. */
  records: number;
  /** True if every chain holds from the first line to the last. */
  ok: boolean;
  /** Number of the first line that is wrong, from 1. */
  brokenAt?: number | undefined;
}

/**
 * Checks the chain of an audit log: that no line was changed, removed, added or moved. Several files of a rotated log are
 * given as one, in the order they were written. Each writer has a chain, so lines of several processes may stand mixed.
 *
 * Lines cut off at the end show only with `chainKey`: then each writer's last record must be a checkpoint with a valid
 * `mac`. `flush()`, `reopen()` and `close()` write one.
 *
 * @param lines - the lines, without their line breaks, e.g. of `node:readline`
 * @param options - `chainKey`
 * @returns how many lines there are, and the first that is wrong
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`: an option of a wrong type or name
 * @example
 * ```ts
 * import { createReadStream } from 'node:fs';
 * import { createInterface } from 'node:readline';
 * import { verifyAudit } from 'goldkey/audit';
 *
 * const lines = createInterface({ input: createReadStream('/var/log/gold/audit.ndjson') });
 * const { ok, brokenAt } = await verifyAudit(lines);
 * if (!ok) console.error(`line ${brokenAt} is wrong`);
 * ```
 */
export async function verifyAudit(
  lines: AsyncIterable<string>,
  options: VerifyAuditOptions = {},
): Promise<AuditVerdict> {
  const { records, problem } = await checkChain(lines, options);
  return problem === undefined ? { records, ok: true } : { records, ok: false, brokenAt: problem.line };
}

/** The first line that is wrong. */
export interface ChainProblem {
  readonly line: number;
  /** The end of a sentence that begins with `line N`. */
  readonly reason: string;
}

/** How a log ends: `open` and `checkpoint` where lines may have come after the last one, which is no checkpoint or is one. */
export type ChainEnd = 'closed' | 'checkpoint' | 'open';

/** Checks as {@link verifyAudit} does, and tells what is wrong and how the log ends. */
export async function checkChain(
  lines: AsyncIterable<string>,
  options: VerifyAuditOptions,
): Promise<{ records: number; problem: ChainProblem | undefined; end: ChainEnd }> {
  checkOptionNames('verifyAudit', options, ['chainKey']);
  const checker = new ChainChecker(checkChainKey(options.chainKey));
  let problem: ChainProblem | undefined;
  let [line, records] = [0, 0];
  for await (const text of lines) {
    line++;
    const content = text.replace(/^\uFEFF|\r?\n$/g, '');
    if (content === '') continue;
    records++;
    if (problem === undefined) problem = checker.check(content, line);
    else problem = checker.reconsider(content) ?? problem;
  }
  return { records, problem: problem ?? checker.checkEnds(), end: checker.end };
}

/** The last record of a chain. */
interface Head {
  readonly line: number;
  readonly seq: number;
  readonly writer: string;
  /** True if nothing can have been cut off behind it: it is a checkpoint, or the next run of its process names it. */
  isSealed: boolean;
  end: ChainEnd;
}

/** A record that does not name the one before it: either of the two was changed. */
interface Suspect extends Pick<Head, 'line' | 'seq' | 'writer'> {
  readonly hash: string;
}

interface ChainFields {
  event?: unknown;
  seq?: unknown;
  prev?: unknown;
  mac?: unknown;
  host?: unknown;
  pid?: unknown;
}

/** The reason for which the chain key may be to blame. */
export const WRONG_MAC = 'is a checkpoint whose `mac` is wrong or missing';
const CHANGED = 'was changed after it was written';
/** Number of lines before it that the first record of a new chain may name: other processes write meanwhile. */
const MAX_SEEN = 10_000;

class ChainChecker {
  readonly #chainKey: Uint8Array | undefined;
  readonly #heads = new Map<string, Head>();
  readonly #seen = new Set<string>();
  readonly #writers = new Set<string>();
  /** The hashes of all `opened` records: a chain that comes twice begins with one. */
  readonly #opened = new Set<string>();
  /** The hashes of lines that a chain begins after, and that have not come before it. */
  readonly #older = new Set<string>();
  #lastLine = 0;
  #suspect: Suspect | undefined;

  constructor(chainKey: Uint8Array | undefined) {
    this.#chainKey = chainKey;
  }

  check(text: string, line: number): ChainProblem | undefined {
    const record = readChainFields(text);
    if (record === undefined) return { line, reason: 'is not a whole record: it is torn, or was changed' };
    const { event, seq, prev, mac, host, pid } = record;
    if (typeof prev !== 'string' || typeof seq !== 'number') return { line, reason: 'names no line before it' };
    const hash = hashLine(text);
    if (this.#opened.has(hash)) return { line, reason: 'is in the log twice' };
    if (this.#older.has(hash)) return { line, reason: 'stands behind a later line: give the files oldest first' };
    const writer = JSON.stringify([host, pid]);
    const head = this.#heads.get(prev);
    const end = findEnd(event, head);
    if (head?.seq === seq - 1) this.#heads.delete(prev);
    else if (event === 'opened' && this.#mayOpen(seq, prev, writer)) {
      if (head !== undefined) Object.assign(head, { isSealed: true, end: 'closed' });
      else if (!this.#seen.has(prev)) this.#older.add(prev);
    } else return this.#findChange({ line, seq, writer, hash });
    const sealed = this.#checkMac(text, event, mac);
    if (sealed === undefined) return { line, reason: WRONG_MAC };
    if (event === 'opened') this.#opened.add(hash);
    this.#remember(hash, { line, seq, writer, isSealed: sealed, end });
    return undefined;
  }

  /** The end that says least of all chains. */
  get end(): ChainEnd {
    const ends = new Set(Array.from(this.#heads.values(), ({ end }) => end));
    return ends.has('open') ? 'open' : ends.has('checkpoint') ? 'checkpoint' : 'closed';
  }

  /** Finds a chain that ends without a checkpoint. */
  checkEnds(): ChainProblem | undefined {
    if (this.#chainKey === undefined) return undefined;
    const open = [...this.#heads.values()].find((head) => !head.isSealed);
    if (open === undefined) return undefined;
    const reason = 'is the last of its writer and no checkpoint: what came after it may have been cut off';
    return { line: open.line, reason };
  }

  /** Returns whether a record may start a chain here: one of a new process, or of one whose older lines are in another file. */
  #mayOpen(seq: number, prev: string, writer: string): boolean {
    if (this.#seen.size === 0) return true;
    return seq === 1 ? prev === GENESIS || this.#seen.has(prev) : !this.#writers.has(writer);
  }

  /** Returns another problem in place of the first one, if the line that stands after it shows that it is one. */
  reconsider(text: string): ChainProblem | undefined {
    const suspect = this.#suspect;
    if (suspect === undefined) return undefined;
    const { seq, prev, host, pid } = readChainFields(text) ?? {};
    if (seq !== suspect.seq + 1 || JSON.stringify([host, pid]) !== suspect.writer) return undefined;
    this.#suspect = undefined;
    // If the next record names it, it stands as it was written.
    return prev === suspect.hash ? undefined : { line: suspect.line, reason: CHANGED };
  }

  /** Tells a changed line, which the next one does not name, from a line that is missing or moved. */
  #findChange(suspect: Suspect): ChainProblem {
    const before = [...this.#heads.values()].filter(({ seq }) => seq === suspect.seq - 1);
    // The writer may be what was changed.
    const changed =
      before.find(({ writer }) => writer === suspect.writer) ?? before.find(({ line }) => line === this.#lastLine);
    if (changed === undefined) {
      return { line: suspect.line, reason: 'does not follow the line before it: a line was removed, added or moved' };
    }
    this.#suspect = suspect;
    return { line: changed.line, reason: CHANGED };
  }

  /** Returns whether a record is a valid checkpoint; `undefined` if it is an invalid one. */
  #checkMac(text: string, event: unknown, mac: unknown): boolean | undefined {
    if (this.#chainKey === undefined || event !== 'checkpoint') return false;
    return typeof mac === 'string' && isSealed(text, mac, this.#chainKey) ? true : undefined;
  }

  #remember(hash: string, head: Head): void {
    this.#heads.set(hash, head);
    this.#writers.add(head.writer);
    this.#seen.add(hash);
    this.#lastLine = head.line;
    const [oldest] = this.#seen;
    if (this.#seen.size > MAX_SEEN && oldest !== undefined) this.#seen.delete(oldest);
  }
}

/** Returns how a chain ends with a record of this event: only a checkpoint comes after `closed`. */
function findEnd(event: unknown, before: Head | undefined): ChainEnd {
  if (event === 'closed') return 'closed';
  if (event !== 'checkpoint') return 'open';
  return before?.end === 'closed' ? 'closed' : 'checkpoint';
}

/** Returns the fields that prove the chain, from a record or from the form that `toOcsf` or `toEcs` gave it. */
function readChainFields(text: string): ChainFields | undefined {
  const record = tryOrUndefined(() => JSON.parse(text) as unknown);
  if (!isPlainObject(record)) return undefined;
  const { unmapped, goldkey } = record;
  if (isPlainObject(unmapped) && 'prev' in unmapped) return unmapped;
  if (isPlainObject(goldkey) && 'prev' in goldkey) return goldkey;
  return record;
}
