import { linkSync, lstatSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { readdir, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { isGoldKeyError, tryOrUndefined } from '../../../core/index.js';
import { DRAFT_SUFFIX, publishFile } from '../../../util/atomic-file.js';
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
/** An older claim was left behind by a process that died. */
const CLAIM_LIFE_MS = 1_000;
const WAIT_MS = 20;
const MAX_WAITS = 100;
/** No writer needs a draft for longer. */
const DRAFT_LIFE_MS = 60_000;
/** Reads of a file that cannot be parsed, which may be being rewritten in place. */
const MAX_READS = 4;

/**
 * A slot in a file that is replaced as a whole, by one writer at a time, without a lock that could be left behind. A writer claims
 * a revision by hard-linking its finished draft to `<path>.<revision>`, which only one writer can do, and renames the
 * claim into place. If it dies in between, the claim is complete and the next writer renames it.
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
  async read(signal?: AbortSignal): Promise<{ text: string | undefined; token: number }> {
    let failures = 0;
    // Yields to the event loop, which a caller that does nothing but read would otherwise block.
    await nextTurn();
    for (let waits = 0; ; waits++) {
      signal?.throwIfAborted();
      let pause = WAIT_MS;
      try {
        const found = this.#readCurrent();
        const claimed = this.#readClaimAfter(found);
        if (claimed === undefined) return { text: found?.text, token: found?.revision ?? 0 };
        if (waits >= MAX_WAITS || claimed.isOld) {
          // The reader may lack the permission to write.
          tryOrUndefined(() => this.#moveIntoPlace(claimed.revision));
          return { text: claimed.text, token: claimed.revision };
        }
      } catch (error) {
        if (++failures === MAX_READS || !isGoldKeyError(error)) throw toRingFileError(this.#path, error);
        pause = WAIT_MS * failures;
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
          isWritten = this.#commit(draft, next, expected, waits >= MAX_WAITS);
          if (isWritten !== undefined) break;
          await sleep(WAIT_MS, undefined, { signal });
        }
      });
    } catch (error) {
      throw toRingFileError(this.#path, error);
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
    try {
      linkSync(draft, claim);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
      throw error;
    }
    // The claim's name may have been free because another writer has just renamed its claim: only the file tells.
    const latest = tryOrUndefined(() => this.#readCurrent());
    if (latest?.writeId === next.writeId) return true;
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
    if (this.#readClaim(revision) !== undefined) this.#moveIntoPlace(revision);
    else if (this.#claimedAt(revision) !== undefined) {
      throw ringFileProblem(
        this.#path,
        `cannot be written: \`${this.#claimPath(revision)}\` is in the way, and is not revision ${String(revision)} of it`,
      );
    }
  }

  #moveIntoPlace(revision: number): void {
    try {
      renameSync(this.#claimPath(revision), this.#path);
    } catch (error) {
      // Another writer took this one for dead and has rolled its claim forward: the revision is written.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  #claimPath(revision: number): string {
    return `${this.#path}.${String(revision)}`;
  }

  #claimedAt(revision: number): number | undefined {
    return tryOrUndefined(() => lstatSync(this.#claimPath(revision)))?.ctimeMs;
  }

  /** Returns the content of a claim, or `undefined` if it holds another revision: a user's copy may have its name. */
  #readClaim(revision: number): Content | undefined {
    const content = tryOrUndefined(() => this.#readFile(this.#claimPath(revision)));
    return content?.revision === revision ? content : undefined;
  }

  /** Returns the claim that follows `found`, if there is one. A claim is the second name of a draft. */
  #readClaimAfter(found: Content | undefined): (Content & { isOld: boolean }) | undefined {
    const next = (found?.revision ?? 0) + 1;
    const stats = tryOrUndefined(() => lstatSync(this.#claimPath(next)));
    if (stats?.isFile() !== true || stats.nlink < 2) return undefined;
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
    // Reversed, so that a claim goes before the draft whose second name it is.
    for (const name of (await readdir(folder)).toSorted().toReversed()) {
      const isDraft = name.startsWith(`.${prefix}`) && name.endsWith(DRAFT_SUFFIX);
      const number = name.startsWith(prefix) ? name.slice(prefix.length) : '';
      const isClaim = /^\d+$/.test(number) && Number(number) <= revision;
      if (!isDraft && !isClaim) continue;
      const path = join(folder, name);
      const stats = await stat(path).catch(() => undefined);
      if (stats === undefined || Date.now() - stats.ctimeMs <= DRAFT_LIFE_MS) continue;
      // A file with one name is not a claim but a copy that the user made.
      if (isClaim && stats.nlink < 2) continue;
      await unlink(path).catch(() => undefined);
    }
  }
}
