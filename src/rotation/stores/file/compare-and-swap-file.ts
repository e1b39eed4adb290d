import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  type Stats,
} from 'node:fs';
import { open, readdir, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { tryOrUndefined, conflict, isGoldKeyError, nodeCrypto } from '../../../core/index.js';
import { FileRefused, fileFault } from './errors.js';
import { FILE } from './file-name.js';

/** What tells one content of a file from another. */
export interface Stamp {
  readonly revision: number;
  readonly writeId: string;
}

// A pipe would keep whoever opens it waiting.
const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
const MAX_BYTES = 1_000_000;
/** A claim older than this was left behind by a process that died. */
const CLAIM_LIFE = 1_000;
const WAIT = 20;
const MAX_WAITS = 100;
/** Nobody works on a draft for longer. */
const DRAFT_LIFE = 60_000;

/**
 * A file that is replaced as a whole, by one writer at a time, without a lock that could be left behind. A revision is
 * claimed by hard-linking the finished draft to `<path>.<revision>`, which only one writer can do, and then renamed
 * into place. A claim whose writer died in between is whole, and the next writer rolls it forward.
 *
 * What is between claim and rename runs in one turn, with synchronous calls: no other writer of this process gets in
 * between, and one of another process only if the machine takes the turn away just then, and for as long as a claim
 * lives.
 */
export class ClaimedFile<T extends Stamp> {
  readonly path: string;
  readonly #parse: (text: string) => T;

  constructor(path: string, parse: (text: string) => T) {
    this.path = path;
    this.#parse = parse;
  }

  /**
   * The content, or `undefined` when there is no such file. A file being rewritten in place is read again. A claim is
   * waited for while its writer may live, and counts as written after that: whoever goes on from here goes on from it.
   */
  async read(signal?: AbortSignal): Promise<T | undefined> {
    let failures = 0;
    // A turn: whoever does nothing but read must leave room for others.
    await turn();
    for (let waits = 0; ; waits++) {
      signal?.throwIfAborted();
      let pause = WAIT;
      try {
        const found = this.#readNow();
        const claimed = this.#claimedAfter(found);
        if (claimed === undefined) return found;
        if (waits >= MAX_WAITS || claimed.isOld) {
          // Not everybody who reads may write.
          tryOrUndefined(() => this.#intoPlace(this.#claim(claimed.content.revision)));
          return claimed.content;
        }
      } catch (error) {
        if (++failures === 4 || !isGoldKeyError(error)) throw fileFault(this.path, error);
        pause = WAIT * failures;
      }
      await sleep(pause, undefined, { signal });
    }
  }

  /** Replaces what has `expected` as its revision (0: no file) by `text`, which is stamped `next`. */
  async replace(text: string, next: Stamp, expected: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const draft = join(
      dirname(this.path),
      `.${basename(this.path)}.${nodeCrypto().randomBytes(6).toString('hex')}.draft`,
    );
    try {
      if (tryOrUndefined(() => lstatSync(this.path))?.isSymbolicLink() === true) {
        throw new FileRefused('is a symbolic link: it is followed for reading only; write to the file it points to');
      }
      await this.#draft(draft, text);
      await this.#commit(draft, next, expected, signal);
      await this.#settle();
    } catch (error) {
      throw fileFault(this.path, error);
    } finally {
      await unlink(draft).catch(() => undefined);
    }
  }

  async #draft(draft: string, text: string): Promise<void> {
    const mode = tryOrUndefined(() => statSync(this.path))?.mode;
    const file = await open(draft, 'wx', mode === undefined ? 0o666 : mode & 0o777);
    try {
      await file.writeFile(text);
      if (mode !== undefined) await file.chmod(mode & 0o777);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async #commit(draft: string, next: Stamp, expected: number, signal: AbortSignal | undefined): Promise<void> {
    for (let waits = 0; ; waits++) {
      if (this.#step(draft, next, expected, waits >= MAX_WAITS) === 'done') return;
      await sleep(WAIT, undefined, { signal });
    }
  }

  /** All that must not be interrupted. */
  #step(draft: string, next: Stamp, expected: number, impatient: boolean): 'done' | 'wait' {
    this.#rollForward(impatient);
    const found = this.#readNow();
    const revision = found?.revision ?? 0;
    if (this.#claimedAt(revision + 1) !== undefined) return 'wait';
    if (found?.writeId === next.writeId) return 'done';
    if (revision !== expected) throw conflict(FILE, expected, revision);
    const claim = this.#claim(next.revision);
    try {
      linkSync(draft, claim);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return 'wait';
      throw error;
    }
    // The claim's name was free because it was never taken, or because it has been renamed away: only the file tells.
    const since = tryOrUndefined(() => this.#readNow());
    if (since?.writeId === next.writeId) return 'done';
    try {
      if ((since?.revision ?? 0) !== expected) throw conflict(FILE, expected, since?.revision ?? 0);
      this.#intoPlace(claim);
    } catch (error) {
      // What is told to have failed must not be rolled forward by the next writer.
      tryOrUndefined(() => {
        unlinkSync(claim);
      });
      throw error;
    }
    return 'done';
  }

  /** Finishes what a writer that died had claimed. */
  #rollForward(impatient: boolean): void {
    const next = (this.#readNow()?.revision ?? 0) + 1;
    const claimedAt = this.#claimedAt(next);
    if (claimedAt === undefined || !(impatient || Date.now() - claimedAt > CLAIM_LIFE)) return;
    const claim = this.#claim(next);
    // Somebody's copy of the ring may have that name too.
    const content = tryOrUndefined(() => this.#parse(readFileSync(claim, 'utf8')));
    if (content?.revision === next) this.#intoPlace(claim);
    else if (tryOrUndefined(() => lstatSync(claim)) !== undefined) {
      throw new FileRefused(`cannot be written: \`${claim}\` is in the way, and is no revision ${String(next)} of it`);
    }
  }

  #intoPlace(claim: string): void {
    try {
      renameSync(claim, this.path);
    } catch (error) {
      // Somebody took this writer for dead, and has rolled its claim forward: it is written all the same.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  #claimedAt(revision: number): number | undefined {
    return tryOrUndefined(() => lstatSync(this.#claim(revision)))?.ctimeMs;
  }

  /** What is claimed to follow `found`, if it is: a claim is one name of a draft that has another. */
  #claimedAfter(found: T | undefined): { content: T; isOld: boolean } | undefined {
    const next = (found?.revision ?? 0) + 1;
    const claim = this.#claim(next);
    const stats = tryOrUndefined(() => lstatSync(claim));
    if (stats?.isFile() !== true || stats.nlink < 2) return undefined;
    const content = tryOrUndefined(() => this.#parse(readFileSync(claim, 'utf8')));
    // A writer that has lost gives its claim back: what follows the file is claimed only while the file is the same.
    if (content?.revision !== next || this.#readNow()?.writeId !== found?.writeId) return undefined;
    return { content, isOld: Date.now() - stats.ctimeMs > CLAIM_LIFE };
  }

  #claim(revision: number): string {
    return `${this.path}.${String(revision)}`;
  }

  #readNow(): T | undefined {
    let fd: number;
    try {
      fd = openSync(this.path, READ);
    } catch (error) {
      return unlessMissing(error);
    }
    try {
      checkStats(fstatSync(fd));
      return this.#parse(readFileSync(fd, 'utf8'));
    } finally {
      closeSync(fd);
    }
  }

  /** The rename outlives a power cut once its folder is on the disk. What writers that died have left goes. */
  async #settle(): Promise<void> {
    const folder = dirname(this.path);
    const handle = await open(folder, 'r').catch(() => undefined);
    await handle?.sync().catch(() => undefined);
    await handle?.close();
    // What is written is written, whatever becomes of the rest.
    await this.#tidy(folder).catch(() => undefined);
  }

  async #tidy(folder: string): Promise<void> {
    const revision = this.#readNow()?.revision ?? 0;
    const claims = `${basename(this.path)}.`;
    // Claims before the drafts whose other names they are.
    for (const name of (await readdir(folder)).toSorted().toReversed()) {
      const isDraft = name.startsWith(`.${claims}`) && name.endsWith('.draft');
      const claimed = name.startsWith(claims) && /^\d+$/.test(name.slice(claims.length));
      if (!isDraft && !(claimed && Number(name.slice(claims.length)) <= revision)) continue;
      const left = join(folder, name);
      const made = await stat(left).catch(() => undefined);
      if (made === undefined || Date.now() - made.ctimeMs <= DRAFT_LIFE) continue;
      // One name only: no claim of ours, but a copy that somebody made and wants to keep.
      if (claimed && made.nlink < 2) continue;
      await unlink(left).catch(() => undefined);
    }
  }
}

function checkStats(stats: Stats): void {
  if (!stats.isFile()) throw new FileRefused('is not a regular file');
  if (stats.size > MAX_BYTES) throw new FileRefused(`has ${String(stats.size)} bytes, more than any ring`);
}

function unlessMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
