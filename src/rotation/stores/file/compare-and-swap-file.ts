import {
  closeSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeSync,
  type Stats,
} from 'node:fs';
import { readdir, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { isGoldKeyError, tryOrUndefined } from '../../../core/index.js';
import {
  CLAIM_LIFE_MS,
  CLAIM_WAIT_MS,
  isDraftName,
  lacksLinks,
  MAX_CLAIM_WAITS,
  publishFile,
} from '../../../util/atomic-file.js';
import { readGuardedSync } from '../../../util/guarded-file.js';
import type { TextSlot } from '../text-slot.js';
import { ringFileProblem, toRingFileError } from './errors.js';

/** The fields that tell one content of a file from another. */
interface Stamp {
  readonly revision: number;
  readonly writeId: string;
}

type Content = Stamp & { readonly text: string };

const MAX_BYTES = 1_000_000;
/** No file name is longer. */
const MAX_NAME_BYTES = 1_024;
/** No writer needs a draft for longer. */
const DRAFT_LIFE_MS = 60_000;
/** Reads of a file that cannot be parsed, which may be being rewritten in place. */
const MAX_READS = 4;

/**
 * A slot in a file that is replaced as a whole, by one writer at a time, without a lock that could be left behind. A writer claims
 * a revision by hard-linking its finished draft to `<path>.<revision>`, which only one writer can do, and renames the
 * claim into place. If it dies in between, the claim is complete and the next writer renames it. Where the file system has no
 * hard links, the claim is a new file that names the draft, and the draft is renamed.
 *
 * The steps from claim to rename run in one turn, with synchronous calls. No other writer of this process can interleave,
 * and one of another process only if the machine suspends this one for as long as a claim lives.
 */
export class CompareAndSwapFile implements TextSlot<number> {
  readonly #path: string;
  readonly #parse: (text: string) => Stamp;

  /** @param parse - checks a text and returns its stamp */
  constructor(path: string, parse: (text: string) => Stamp) {
    this.#path = path;
    this.#parse = parse;
  }

  /**
   * Reads the text and its revision, 0 if there is no file. A file that cannot be parsed is read again. A claim is waited
   * for while its writer may live, and then counts as written, because the next write builds on it.
   */
  async read(signal?: AbortSignal, forUpdate: boolean = false): Promise<{ text: string | undefined; token: number }> {
    let failures = 0;
    // Yields to the event loop, which a caller that does nothing but read would otherwise block.
    await nextTurn();
    for (let waits = 0; ; waits++) {
      signal?.throwIfAborted();
      let pause = CLAIM_WAIT_MS;
      try {
        const found = this.#readCurrent();
        const claimed = this.#readClaimAfter(found);
        if (claimed === undefined) return { text: found?.text, token: found?.revision ?? 0 };
        if (waits >= MAX_CLAIM_WAITS || claimed.isOld) {
          // The reader may lack the permission to write.
          tryOrUndefined(() => this.#moveIntoPlace(claimed.revision));
          return { text: claimed.text, token: claimed.revision };
        }
      } catch (error) {
        if (++failures === MAX_READS || !isGoldKeyError(error)) throw toRingFileError(this.#path, error, forUpdate);
        pause = CLAIM_WAIT_MS * failures;
      }
      await sleep(pause, undefined, { signal });
    }
  }

  async swap(text: string, expected: number, signal?: AbortSignal): Promise<boolean> {
    signal?.throwIfAborted();
    const next = this.#parse(text);
    let isWritten: boolean | undefined;
    try {
      if (tryOrUndefined(() => lstatSync(this.#path))?.isSymbolicLink() === true) {
        throw ringFileProblem(
          this.#path,
          'is a symbolic link, which is followed for reading only; write to the file that it points to',
        );
      }
      const mode = tryOrUndefined(() => statSync(this.#path).mode & 0o777);
      await publishFile(this.#path, text, mode, async (draft) => {
        for (let waits = 0; ; waits++) {
          isWritten = this.#commit(draft, next, expected, waits >= MAX_CLAIM_WAITS);
          if (isWritten !== undefined) break;
          await sleep(CLAIM_WAIT_MS, undefined, { signal });
        }
      });
    } catch (error) {
      throw toRingFileError(this.#path, error, true);
    }
    // The write is done even if this fails.
    if (isWritten === true) await this.#removeLeftovers().catch(() => undefined);
    return isWritten === true;
  }

  /**
   * Claims the next revision and moves it into place, in one turn. Returns whether `next` is written, or `undefined` if
   * another writer's claim has to be waited for.
   */
  #commit(draft: string, next: Stamp, expected: number, isImpatient: boolean): boolean | undefined {
    const found = this.#readCurrent();
    const revision = found?.revision ?? 0;
    const claimedAt = this.#claimedAt(revision + 1);
    if (claimedAt !== undefined) {
      if (isImpatient || Date.now() - claimedAt > CLAIM_LIFE_MS) this.#rollForward(revision + 1);
      return undefined;
    }
    if (found?.writeId === next.writeId) return true;
    if (revision !== expected) return false;
    const claim = this.#claimPath(next.revision);
    let isLinked = true;
    try {
      isLinked = claimName(draft, claim);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
      throw error;
    }
    // The claim's name may have been free because another writer has just renamed its claim: only the file tells.
    const latest = tryOrUndefined(() => this.#readCurrent());
    if (latest?.writeId === next.writeId) return true;
    // Taken for dead while its file was still empty: the claim is another writer's.
    if (!isLinked && this.#readDraftPath(claim) !== draft) return undefined;
    let isInPlace = false;
    try {
      if ((latest?.revision ?? 0) !== expected) return false;
      this.#moveIntoPlace(next.revision);
      isInPlace = true;
      return true;
    } finally {
      // A write that is reported as failed must not be rolled forward by the next writer.
      if (!isInPlace) tryOrUndefined(() => unlinkSync(claim));
    }
  }

  /** Moves the claim of a writer that died into place. */
  #rollForward(revision: number): void {
    const claim = this.#claimPath(revision);
    const stats = tryOrUndefined(() => lstatSync(claim));
    if (this.#readClaim(revision) !== undefined) this.#moveIntoPlace(revision);
    // Its writer died before it had named its draft, or after it had renamed it.
    else if (stats !== undefined && this.#isMark(claim, stats)) rmSync(claim, { force: true });
    else if (stats !== undefined) {
      throw ringFileProblem(
        this.#path,
        `cannot be written: \`${claim}\` is in the way, and is not revision ${String(revision)} of it`,
      );
    }
  }

  #moveIntoPlace(revision: number): void {
    const claim = this.#claimPath(revision);
    const draft = this.#readDraftPath(claim);
    try {
      renameSync(draft ?? claim, this.#path);
    } catch (error) {
      // Another writer took this one for dead and has rolled its claim forward: the revision is written.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    if (draft !== undefined) tryOrUndefined(() => unlinkSync(claim));
  }

  #claimPath(revision: number): string {
    return `${this.#path}.${String(revision)}`;
  }

  #claimedAt(revision: number): number | undefined {
    return tryOrUndefined(() => lstatSync(this.#claimPath(revision)))?.ctimeMs;
  }

  /** Returns the content of a claim, or `undefined` if it holds another revision: a user's copy may have its name. */
  #readClaim(revision: number): Content | undefined {
    const claim = this.#claimPath(revision);
    const content = tryOrUndefined(() => this.#readFile(this.#readDraftPath(claim) ?? claim));
    return content?.revision === revision ? content : undefined;
  }

  /** Returns the path of the draft that a claim names, or `undefined` if the claim is the draft's second name. */
  #readDraftPath(claim: string): string | undefined {
    const name = tryOrUndefined(() => readGuardedSync(claim, MAX_NAME_BYTES, { ownerOnly: false }).toString('utf8'));
    return name !== undefined && isDraftName(this.#path, name) ? join(dirname(this.#path), name) : undefined;
  }

  /** Returns whether the file of a claim holds no ring: it names a draft, or does not yet. */
  #isMark(claim: string, stats: Stats): boolean {
    return stats.isFile() && (stats.size === 0 || this.#readDraftPath(claim) !== undefined);
  }

  /** Returns the claim that follows `found`, if there is one. A claim is the second name of a draft, or names it. */
  #readClaimAfter(found: Content | undefined): (Content & { isOld: boolean }) | undefined {
    const next = (found?.revision ?? 0) + 1;
    const claim = this.#claimPath(next);
    const stats = tryOrUndefined(() => lstatSync(claim));
    if (stats?.isFile() !== true || (stats.nlink < 2 && !this.#isMark(claim, stats))) return undefined;
    const content = this.#readClaim(next);
    // A writer that lost removes its claim, so the claim counts only if the file has not changed since.
    if (content === undefined || this.#readCurrent()?.writeId !== found?.writeId) return undefined;
    return { ...content, isOld: Date.now() - stats.ctimeMs > CLAIM_LIFE_MS };
  }

  #readCurrent(): Content | undefined {
    try {
      return this.#readFile(this.#path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return undefined;
    }
  }

  #readFile(path: string): Content {
    const text = readGuardedSync(path, MAX_BYTES, { ownerOnly: false }).toString('utf8');
    const { revision, writeId } = this.#parse(text);
    return { text, revision, writeId };
  }

  /** Removes old drafts and claims of writers that died. */
  async #removeLeftovers(): Promise<void> {
    const folder = dirname(this.#path);
    const revision = this.#readCurrent()?.revision ?? 0;
    const prefix = `${basename(this.#path)}.`;
    // A claim may need its draft yet.
    const keepsDrafts = this.#claimedAt(revision + 1) !== undefined;
    // Reversed, so that a claim goes before the draft whose second name it is.
    for (const name of (await readdir(folder)).toSorted().toReversed()) {
      const isDraft = !keepsDrafts && isDraftName(this.#path, name);
      const number = name.startsWith(prefix) ? name.slice(prefix.length) : '';
      const isClaim = /^\d+$/.test(number) && Number(number) <= revision;
      if (!isDraft && !isClaim) continue;
      const path = join(folder, name);
      const stats = await stat(path).catch(() => undefined);
      if (stats === undefined || Date.now() - stats.ctimeMs <= DRAFT_LIFE_MS) continue;
      // Another file with one name is not a claim but a copy that the user made.
      if (isClaim && stats.nlink < 2 && !this.#isMark(path, stats)) continue;
      await unlink(path).catch(() => undefined);
    }
  }
}

/**
 * Claims a name for a draft in one turn: by a hard link or, where there are none, by a new file that holds the draft's name.
 * Returns whether it was a link. Throws `EEXIST` if the name is taken.
 */
function claimName(draft: string, claim: string): boolean {
  try {
    linkSync(draft, claim);
    return true;
  } catch (error) {
    if (!lacksLinks(error)) throw error;
  }
  const file = openSync(claim, 'wx');
  try {
    writeSync(file, basename(draft));
  } catch (error) {
    tryOrUndefined(() => unlinkSync(claim));
    throw error;
  } finally {
    closeSync(file);
  }
  return false;
}
