import { closeSync, constants, fstatSync, openSync, readSync, statSync, writeFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { computeFingerprint, encodeKey, tryOrUndefined } from '../../../core/index.js';
import { quotePath } from '../../../util/quote-path.js';
import { CommandError, isSystemError, UsageError } from '../../errors.js';
import { readKey } from '../../input/read-key.js';
import { print, tell, type CliRun } from '../../io.js';
import type { CommandOptions } from '../../options/command-options.js';
import { loadLiveKeys, openStore, type StoredKey } from '../../options/store.js';
import { CLEAR_LINE } from '../../spinner.js';
import { ContentScanner, type Hit } from './content-scanner.js';
import { findObjects, findOrigins, readObjects, readStaged } from './git.js';
import { KeyMatcher } from './matcher.js';
import { count, createSarif, decodePath, escapePath, formatBytes, formatFinding, type Finding } from './report.js';
import { isPacked, isUnopened, Unpacker } from './unpack.js';
import { NotReadableError, walk, type Entry } from './walk.js';

const CHUNK = 1 << 18;
/** Number of findings that are kept for `--json`, `--sarif` and the history; more are counted. */
const MAX_KEPT = 10_000;
const TURN_MS = 50;
const PROGRESS_MS = 500;
const STDIN = '-';
// Opening a FIFO would otherwise block. Windows has neither flag.
const READ_ONLY = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;

/** Finds the exact key, in every form, in files, streams and Git: the exit code is 3 if it is there. */
export async function scan(run: CliRun, paths: readonly string[], options: CommandOptions): Promise<void> {
  const readsStdin = options.stdin === true || paths.includes(STDIN);
  const keys = await readKeys(run, options, readsStdin);
  const scanning = new Scan(run, options, keys);
  try {
    const places = paths.filter((path) => path !== STDIN);
    if (readsStdin) await scanning.scanStream(run.io.stdin, 'stdin');
    for (const path of places.length === 0 && !readsStdin ? ['.'] : places) {
      if (options.staged === true) await scanning.scanStaged(path);
      else await scanning.scanTree(path);
    }
    scanning.finish();
  } finally {
    scanning.clear();
    for (const { bytes } of keys) bytes.fill(0);
  }
}

/** Reads the key of every live stage, and that of `--key-file`; without a store one that is typed or piped in. */
async function readKeys(run: CliRun, options: CommandOptions, readsStdin: boolean): Promise<StoredKey[]> {
  const { ring, store, ciphertext, ciphertextFile, keyFile } = options;
  const isStored = [ring, store, ciphertext, ciphertextFile].some((option) => option !== undefined);
  if (!isStored && keyFile === undefined && readsStdin) {
    throw new UsageError('--key-file or the options of a store are required, because stdin is what is searched.');
  }
  const keys = isStored ? await loadLiveKeys(run.io, await openStore(run.io, options), options) : [];
  if (!isStored || keyFile !== undefined) {
    const ways = 'Name its store (--store, --ring or --ciphertext-file), pipe it in, or use --key-file';
    const use = { question: 'Key to look for (not shown): ', undone: 'nothing was searched', ways };
    const bytes = encodeKey(await readKey(run, options, use));
    keys.push({ bytes, version: 'given', fingerprint: computeFingerprint(bytes) });
  }
  for (const { bytes } of keys) run.secrets.push(Buffer.from(bytes).toString('latin1'));
  return keys.filter(({ bytes }, index) => keys.findIndex((key) => Buffer.compare(key.bytes, bytes) === 0) === index);
}

/** One run: what was found, and what was read. */
class Scan {
  readonly #run: CliRun;
  readonly #options: CommandOptions;
  readonly #keys: readonly StoredKey[];
  readonly #matcher: KeyMatcher;
  readonly #scanner: ContentScanner;
  readonly #unpacker: Unpacker;
  readonly #chunk = Buffer.allocUnsafeSlow(CHUNK);
  readonly #findings: Finding[] = [];
  readonly #unread: Array<{ path: string; reason: string }> = [];
  readonly #unopened: string[] = [];
  #unopenedCount = 0;
  /** The Git object that is read; its path is not known yet. */
  #object = '';
  /** The key's own files, by device and number. */
  readonly #ownFiles: ReadonlySet<string>;
  /** Takes the hits of the content that is read. */
  #onHit: (path: Buffer, hit: Hit) => void = (path, hit) => this.#addFinding(path, hit);
  #found = 0;
  #inHistory = 0;
  #files = 0;
  #objects = 0;
  #bytes = 0;
  #skipped = 0;
  #pointers = 0;
  readonly #started = performance.now();
  #turned = performance.now();
  #isProgressShown = false;

  constructor(run: CliRun, options: CommandOptions, keys: readonly StoredKey[]) {
    this.#run = run;
    this.#options = options;
    this.#keys = keys;
    this.#matcher = new KeyMatcher(keys.map(({ bytes }) => bytes));
    this.#scanner = new ContentScanner(this.#matcher);
    this.#unpacker = new Unpacker(this.#scanner, {
      onHit: (path, hit) => this.#onHit(path, hit),
      onUnread: (path, reason) => this.#addUnread(path, reason),
      onUnopened: (path) => this.#addUnopened(path),
    });
    const { keyFile, masterKey, store = '' } = options;
    const own =
      options.all === true ? [] : [keyFile, masterKey, store.startsWith('file://') ? store.slice(7) : undefined];
    this.#ownFiles = new Set(own.flatMap((path) => (path === undefined ? [] : identify(path))));
  }

  /** Searches all files below a path, and with `--git` what its repository keeps. */
  async scanTree(path: string): Promise<void> {
    const { exclude = [], followSymlinks = false, git = false, all = false } = this.#options;
    const objects = git ? identify(await findObjects(path)) : [];
    const skips = (name: string, child: Buffer): boolean => {
      if (git) return name === 'objects' && identify(child).some((id) => objects.includes(id));
      return name === '.git' && !all;
    };
    for (const entry of walk(Buffer.from(path), { exclude, followSymlinks, skips })) {
      await this.#takeTurn();
      if (entry.error === undefined) await this.#scanFile(entry);
      else this.#addUnread(entry.path, describeError(entry.error));
    }
    if (git) await this.#scanHistory(path);
  }

  async scanStream(source: AsyncIterable<Uint8Array>, name: string): Promise<void> {
    this.#files++;
    await this.#unpacker.scan(this.#count(source), Buffer.from(name));
  }

  async scanStaged(repository: string): Promise<void> {
    for await (const { path, content } of readStaged(repository)) {
      this.#scanName(path);
      this.#files++;
      await this.#unpacker.scan(this.#count(content), path);
    }
  }

  /** Prints what was found, and sets the exit code. */
  finish(): void {
    const { io } = this.#run;
    const { json, sarif } = this.#options;
    this.#hideProgress();
    if (json === true) {
      const findings = this.#findings.map((finding) => ({ ...finding, endLine: undefined, endColumn: undefined }));
      const more = this.#found - findings.length;
      const [files, bytes, unread, unopened] = [this.#files, this.#bytes, this.#unread, this.#unopened];
      const objects = this.#objects;
      print(io, JSON.stringify({ findings, ...(more > 0 && { more }), files, objects, bytes, unread, unopened }));
    }
    if (sarif !== undefined) writeReport(sarif, `${JSON.stringify(createSarif(this.#findings), undefined, 2)}\n`);
    for (const { path, reason } of this.#unread) tell(io, `not read: ${escapePath(path)} ${reason}`);
    const places = [count(this.#files, 'file'), ...(this.#objects > 0 ? [count(this.#objects, 'Git object')] : [])];
    const notes = [
      ...(this.#skipped > 0 ? [`${count(this.#skipped, 'file')} above --max-file-size skipped`] : []),
      ...(this.#unread.length > 0 ? [`${String(this.#unread.length)} not read`] : []),
      ...(this.#unopenedCount > 0
        ? [`${count(this.#unopenedCount, 'compressed file')} not opened (zip, xz …; --json names them)`]
        : []),
      ...(this.#pointers > 0
        ? [`${count(this.#pointers, 'Git LFS pointer')}: what they name is not in the repository`]
        : []),
    ].map((note) => `; ${note}`);
    tell(
      io,
      `${count(this.#found, 'finding')} in ${places.join(' and ')} (${formatBytes(this.#bytes)})${notes.join('')}`,
    );
    if (this.#found > 0) {
      const rest = this.#inHistory > 0 ? 'then rewrite the history: every clone keeps it' : 'then remove it from there';
      tell(io, `Rotate the key (\`npx goldkey rotate stage\`), ${rest}.`);
    }
    this.#run.exitCode = this.#found > 0 ? 3 : this.#unread.length > 0 ? 1 : 0;
  }

  /** Zeroes what was made of the keys, and what was read. */
  clear(): void {
    this.#hideProgress();
    this.#matcher.clear();
    this.#unpacker.clear();
    this.#chunk.fill(0);
  }

  async #scanFile({ path, isLinked }: Entry): Promise<void> {
    this.#scanName(path);
    let file: number | undefined;
    try {
      file = openSync(path, isLinked ? READ_ONLY : READ_ONLY | NO_FOLLOW);
      const stats = fstatSync(file);
      if (!stats.isFile() || this.#ownFiles.has(`${String(stats.dev)}:${String(stats.ino)}`)) return;
      if (stats.size > (this.#options.maxFileSize ?? Infinity)) {
        this.#skipped++;
        return;
      }
      this.#files++;
      // A file that grows is read to where it ended. Those of /proc have no size.
      await this.#scanOpenFile(file, path, stats.size === 0 ? Infinity : stats.size);
    } catch (error) {
      if (!isSystemError(error)) throw error;
      // A file that was removed, or replaced by a link, since it was listed is gone.
      if (error.code !== 'ENOENT' && error.code !== 'ELOOP') this.#addUnread(path, describeError(error));
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }

  async #scanOpenFile(file: number, path: Buffer, size: number): Promise<void> {
    let left = size;
    const read = (): Buffer => {
      const length = readSync(file, this.#chunk, 0, Math.min(CHUNK, left), null);
      left -= length;
      this.#bytes += length;
      return this.#chunk.subarray(0, length);
    };
    let chunk = read();
    if (isPacked(chunk)) {
      await this.#unpacker.scan(readChunks(chunk, read), path);
      return;
    }
    if (isUnopened(chunk, path)) this.#addUnopened(path);
    this.#scanner.begin((hit) => this.#onHit(path, hit));
    for (; chunk.length > 0; chunk = read()) {
      this.#scanner.write(chunk);
      await this.#takeTurn();
    }
    this.#scanner.finish();
  }

  /** Searches a path itself. */
  #scanName(path: Buffer): void {
    this.#scanner.begin(({ key, form }) => {
      this.#onHit(path, { key, form: `${form}-in-name`, line: 1, column: 1, endLine: 1, endColumn: 1 });
    });
    this.#scanner.write(path.subarray(path.lastIndexOf('/') + 1));
    this.#scanner.finish();
  }

  /** Searches every object of a repository once, and then asks which commit brought those with a key. */
  async #scanHistory(repository: string): Promise<void> {
    const hits: Array<{ id: string; type: string; path: Buffer; hit: Hit }> = [];
    try {
      for await (const { id, type, size, content } of readObjects(repository)) {
        await this.#takeTurn();
        this.#objects++;
        this.#object = id;
        this.#onHit = (path, hit) => {
          if (hits.length < MAX_KEPT) hits.push({ id, type, path, hit });
          else this.#found++;
        };
        await this.#unpacker.scan(this.#count(size < 1_024 ? this.#noteLfs(content) : content), Buffer.alloc(0));
      }
    } finally {
      this.#onHit = (path, hit) => this.#addFinding(path, hit);
      this.#object = '';
    }
    const named = hits.filter(({ type }) => type === 'blob' || type === 'tree').map(({ id }) => id);
    const origins = await findOrigins(repository, [...new Set(named)]);
    for (const { id, type, path, hit } of hits) {
      const { commit, path: place } = origins.get(id) ?? { commit: id, path: Buffer.from(NAMES[type] ?? `(${type})`) };
      this.#inHistory++;
      this.#addFinding(Buffer.concat([place, path]), hit, commit);
    }
  }

  async *#noteLfs(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of content) {
      if (Buffer.from(chunk.subarray(0, LFS.length)).toString('latin1') === LFS) this.#pointers++;
      yield chunk;
    }
  }

  async *#count(source: AsyncIterable<Uint8Array | string>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      this.#bytes += bytes.length;
      await this.#takeTurn();
      yield bytes;
    }
  }

  #addFinding(path: Buffer, { key, ...hit }: Hit, commit?: string): void {
    const { version, fingerprint } = this.#keys[key] as StoredKey;
    const finding: Finding = {
      path: decodePath(path, this.#run.secrets),
      ...hit,
      fingerprint: String(fingerprint),
      version: String(version),
      ...(commit !== undefined && { commit }),
    };
    this.#found++;
    if (this.#findings.length < MAX_KEPT) this.#findings.push(finding);
    this.#hideProgress();
    if (this.#options.json !== true) print(this.#run.io, formatFinding(finding));
  }

  #addUnopened(bytes: Buffer): void {
    this.#unopenedCount++;
    if (this.#unopened.length < MAX_KEPT) this.#unopened.push(`${this.#object}${decodePath(bytes, this.#run.secrets)}`);
  }

  #addUnread(bytes: Buffer, reason: string): void {
    const path = decodePath(bytes, this.#run.secrets);
    if (this.#options.keepGoing !== true) {
      const shown = quotePath(bytes.toString()).startsWith('`')
        ? `\`${escapePath(path)}\``
        : quotePath(bytes.toString());
      throw new CommandError(`${shown} ${reason}; mend that, or go on without it with --keep-going.`);
    }
    this.#unread.push({ path, reason });
  }

  /** Lets signals and output have their turn now and then, and shows on a terminal how far it is. */
  async #takeTurn(): Promise<void> {
    const now = performance.now();
    if (now - this.#turned < TURN_MS) return;
    const { stderr } = this.#run.io;
    if (stderr.isTTY === true && now - this.#started > PROGRESS_MS) {
      const rate = formatBytes((this.#bytes / (now - this.#started)) * 1_000);
      stderr.write(
        `${CLEAR_LINE}${count(this.#files + this.#objects, 'file')}, ${formatBytes(this.#bytes)}, ${rate}/s`,
      );
      this.#isProgressShown = true;
    }
    await nextTurn();
    this.#turned = performance.now();
  }

  #hideProgress(): void {
    if (this.#isProgressShown) this.#run.io.stderr.write(CLEAR_LINE);
    this.#isProgressShown = false;
  }
}

const LFS = 'version https://git-lfs.github.com/spec/';
/** The places of objects that are not files, and of those that nothing names any more. */
const NAMES: Readonly<Record<string, string>> = {
  commit: '(commit)',
  tag: '(tag)',
  tree: '(unreachable names)',
  blob: '(unreachable file)',
};

async function* readChunks(first: Buffer, read: () => Buffer): AsyncGenerator<Uint8Array> {
  for (let chunk = first; chunk.length > 0; chunk = read()) yield await Promise.resolve(chunk);
}

/** Returns the device and number of a file, in a list; nothing if there is none. */
function identify(path: string | Buffer): string[] {
  const stats = tryOrUndefined(() => statSync(path));
  return stats === undefined ? [] : [`${String(stats.dev)}:${String(stats.ino)}`];
}

function describeError(error: unknown): string {
  if (error instanceof NotReadableError) return 'is neither a file nor a folder: pipe its content in, and name it -';
  return `could not be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`;
}

function writeReport(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new CommandError(`The file of --sarif could not be written (${code}): check its folder.`);
  }
}
