import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import {
  checkInteger,
  checkOptionNames,
  checkString,
  describeType,
  invalidType,
  KeyProviderError,
} from '../core/index.js';
import { FileCheckError, toFileError, type FileErrors } from '../util/file-errors.js';
import { DROP_REMOVED, MAX_BUFFER, READ_LAST_LINE, type ResumableSink } from './sink-writer.js';
import type { AuditSink } from './types.js';

/** Options of {@link fileSink}. */
export interface FileSinkOptions {
  /** Mode of the file, from 0o600 to 0o777. Default 0o600. A file with more rights than that loses them. */
  mode?: number | undefined;
  /** `always` writes each record through to the disk before it counts as written. Default `always`. */
  fsync?: 'always' | 'never' | undefined;
  /** Bytes of records that may wait for the file before those of one kind are added up, from 1. Default 1_048_576. */
  maxBuffer?: number | undefined;
}

/** Longest line that is read back from the end of a file, in bytes. */
const MAX_LINE = 4 * 1_048_576;
const CHUNK = 65_536;
const NEWLINE = 0x0a;
// O_APPEND: each line goes to the end in one piece, whoever else writes. O_NONBLOCK: a FIFO must not block the process.
const FLAGS =
  constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

const ERRORS: FileErrors = {
  provider: 'audit',
  kind: 'audit file',
  byCode: {
    ENOENT: [KeyProviderError, 'cannot be made, because its folder is missing; create the folder.'],
    ELOOP: [KeyProviderError, 'is a symbolic link, and is not written; name the file itself.'],
    ENOSPC: [KeyProviderError, 'cannot be written, because the disk is full; free some space.'],
  },
};

/**
 * Returns a sink that appends to a file: opened at the first record, readable by its owner alone, one line a record. Where
 * the file exists the chain goes on after its last whole line; a line that a killed process left torn stays, and the next
 * record starts on a line of its own. Give each process a file of its own: several may share one, and `verifyAudit` follows
 * each of their chains, but a file each is easier to read and to rotate.
 *
 * @param path - the file; its folder must exist
 * @param options - `mode`, `fsync` and `maxBuffer`
 * @returns a sink for {@link audit}; `reopen()` opens the path anew after a log rotation
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`: an option of a wrong type or name
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`: a value out of its range
 * @example
 * ```ts
 * import { audit, fileSink } from 'goldkey/audit';
 *
 * const log = audit(gold, fileSink('/var/log/gold/audit.ndjson'), { actor: 'gold-data-stream' });
 * ```
 */
export function fileSink(path: string, options: FileSinkOptions = {}): AuditSink {
  checkString('path', path);
  checkOptionNames('fileSink', options, ['mode', 'fsync', 'maxBuffer']);
  const { fsync = 'always' } = options;
  if (fsync !== 'always' && fsync !== 'never') {
    throw invalidType(`\`fsync\` must be 'always' or 'never', got ${describeType(fsync)}.`);
  }
  const file = new AppendedFile(path, checkInteger('mode', options.mode, 0o600, 0o600, 0o777), fsync === 'always');
  const sink: ResumableSink = {
    write: (line) => file.run((handle) => file.append(handle, line.endsWith('\n') ? line : `${line}\n`)),
    async reopen() {
      await file.close();
      await file.run(() => Promise.resolve());
    },
    close: () => file.close(),
    [READ_LAST_LINE]: () => file.run((handle) => file.readLastLine(handle)),
    [DROP_REMOVED]: () => file.dropRemoved(),
    [MAX_BUFFER]: checkInteger('maxBuffer', options.maxBuffer, 1_048_576, 1),
  };
  return sink;
}

/** A file that one piece of work at a time uses, opened when needed. */
class AppendedFile {
  readonly #path: string;
  readonly #mode: number;
  readonly #syncs: boolean;
  #handle: FileHandle | undefined;
  #isTorn = false;
  #work: Promise<unknown> = Promise.resolve();

  constructor(path: string, mode: number, syncs: boolean) {
    this.#path = path;
    this.#mode = mode;
    this.#syncs = syncs;
  }

  /** Runs `work` with the open file, after all that was started before. */
  run<T>(work: (handle: FileHandle) => Promise<T>): Promise<T> {
    return this.#enqueue(async () => {
      try {
        return await work((this.#handle ??= await this.#open()));
      } catch (error) {
        throw toFileError(this.#path, error, ERRORS);
      }
    });
  }

  close(): Promise<void> {
    return this.#enqueue(() => this.#drop());
  }

  /** Appends one line, or nothing: of a line that does not fit no part may stay in front of the next one. */
  async append(handle: FileHandle, line: string): Promise<void> {
    const bytes = Buffer.from(this.#isTorn ? `\n${line}` : line);
    const { size } = await handle.stat();
    let written = 0;
    try {
      while (written < bytes.length) {
        written += (await handle.write(bytes, written, bytes.length - written)).bytesWritten;
      }
      if (this.#syncs) await handle.datasync();
      this.#isTorn = false;
    } catch (error) {
      if (written > 0) await this.#takeBack(handle, size, written);
      throw error;
    }
  }

  /** Removes what was written of a line, unless another process has written meanwhile. */
  async #takeBack(handle: FileHandle, size: number, written: number): Promise<void> {
    try {
      if ((await handle.stat()).size === size + written) {
        await handle.truncate(size);
        return;
      }
    } catch {
      // The next line starts after a line break.
    }
    this.#isTorn = true;
  }

  /** Returns the last line that ends, without its line break. */
  async readLastLine(handle: FileHandle): Promise<Uint8Array | undefined> {
    const { size } = await handle.stat();
    for (let length = CHUNK; ; length *= 8) {
      const start = Math.max(0, size - length);
      const bytes = Buffer.alloc(size - start);
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
      const end = bytes.subarray(0, bytesRead).lastIndexOf(NEWLINE);
      const before = end <= 0 ? -1 : bytes.lastIndexOf(NEWLINE, end - 1);
      if (end > 0 && (before >= 0 || start === 0)) return bytes.subarray(before + 1, end);
      if (start === 0 || length > MAX_LINE) return undefined;
    }
  }

  /** Lets go of a file that was removed while it was open: nobody could ever read its records. Resolves to whether it was. */
  dropRemoved(): Promise<boolean> {
    return this.#enqueue(async () => {
      if ((await this.#handle?.stat())?.nlink !== 0) return false;
      await this.#drop();
      return true;
    });
  }

  async #drop(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  async #open(): Promise<FileHandle> {
    const handle = await open(this.#path, FLAGS, this.#mode);
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) throw new FileCheckError('NOT_REGULAR');
      const { mode, size } = stats;
      if ((mode & 0o777 & ~this.#mode) !== 0) await handle.chmod(mode & this.#mode);
      const last = Buffer.alloc(1);
      this.#isTorn = size > 0 && (await handle.read(last, 0, 1, size - 1)).bytesRead === 1 && last[0] !== NEWLINE;
      return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => undefined);
    return done;
  }
}
