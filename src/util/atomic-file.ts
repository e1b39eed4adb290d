import { closeSync, lstatSync, openSync, renameSync, rmSync } from 'node:fs';
import { link, lstat, open, unlink, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { nodeCrypto, tryOrUndefined } from '../core/index.js';

/** The ending of a draft's name; the name begins with `.` and the name of the file that it is for. */
const DRAFT_SUFFIX = '.draft';

/** The drafts of running writes. One may hold a key, so the end of the process (Ctrl-C) must not leave it behind. */
const drafts = new Set<string>();

/** An older claim was left behind by a process that died. */
export const CLAIM_LIFE_MS = 1_000;
export const CLAIM_WAIT_MS = 20;
export const MAX_CLAIM_WAITS = 100;

/** The codes of `link` on file systems without hard links, or with no room for one more. */
const WITHOUT_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/** Returns whether `link` failed because the file system cannot make the hard link. */
export function lacksLinks(error: unknown): boolean {
  return WITHOUT_LINKS.has(String((error as NodeJS.ErrnoException).code));
}

/** Returns whether `name` is that of a draft for the file at `path`. */
export function isDraftName(path: string, name: string): boolean {
  const prefix = `.${basename(path)}.`;
  const id = name.slice(prefix.length, -DRAFT_SUFFIX.length);
  return name.startsWith(prefix) && name.endsWith(DRAFT_SUFFIX) && /^[\da-f]{12}$/.test(id);
}

/**
 * Writes `content` to a new file in the folder of `path`, lets `publish` link or rename it to its final name, and syncs
 * the folder, so that the file appears whole or not at all and outlives a power cut. The draft is removed in any case.
 * `mode` are the file's permissions; left out, it gets what the umask leaves of 0666.
 */
export async function publishFile(
  path: string,
  content: string | Uint8Array,
  mode: number | undefined,
  publish: (draft: string) => Promise<void>,
): Promise<void> {
  const folder = dirname(path);
  const id = nodeCrypto().randomBytes(6).toString('hex');
  const draft = join(folder, `.${basename(path)}.${id}${DRAFT_SUFFIX}`);
  if (drafts.size === 0) process.once('exit', removeDrafts);
  drafts.add(draft);
  try {
    await writeNew(draft, content, mode);
    await publish(draft);
  } finally {
    await unlink(draft).catch(() => undefined);
    drafts.delete(draft);
    if (drafts.size === 0) process.off('exit', removeDrafts);
  }
  await syncFolder(folder);
}

function removeDrafts(): void {
  for (const draft of drafts) tryOrUndefined(() => rmSync(draft, { force: true }));
}

/**
 * Gives a draft its final name, which must be free, by a hard link: unlike a rename, it fails with `EEXIST` if the name is
 * taken. Without hard links the name is claimed by an empty file that is created exclusively, and the draft renamed over it
 * in the same turn. The empty file of a process that died in between is removed.
 */
export async function placeNew(draft: string, path: string): Promise<void> {
  try {
    await link(draft, path);
    return;
  } catch (error) {
    if (!lacksLinks(error) && !(await isLeftEmpty(draft, path))) throw error;
  }
  for (let waits = 0; ; waits++) {
    try {
      closeSync(openSync(path, 'wx', 0o600));
      break;
    } catch (error) {
      const stats = tryOrUndefined(() => lstatSync(path));
      const isClaim = stats === undefined || (stats.isFile() && stats.size === 0);
      if (!isClaim || waits === MAX_CLAIM_WAITS) throw error;
      if (Date.now() - (stats?.ctimeMs ?? Infinity) > CLAIM_LIFE_MS) rmSync(path, { force: true });
      else await sleep(CLAIM_WAIT_MS);
    }
  }
  try {
    renameSync(draft, path);
  } catch (error) {
    tryOrUndefined(() => rmSync(path));
    throw error;
  }
}

/** Resolves to whether the file at `path` is empty and there are no hard links, so that a claim may have been left there. */
async function isLeftEmpty(draft: string, path: string): Promise<boolean> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats?.isFile() !== true || stats.size > 0) return false;
  const second = `${draft}.link`;
  try {
    await link(draft, second);
  } catch (error) {
    return lacksLinks(error);
  }
  await unlink(second);
  return false;
}

async function writeNew(path: string, content: string | Uint8Array, mode: number | undefined): Promise<void> {
  const file = await open(path, 'wx', mode ?? 0o666);
  try {
    await file.writeFile(content);
    if (mode !== undefined) await setMode(file, mode);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Sets permissions, of which the umask may have removed some. A file system that has no modes may refuse to close none. */
async function setMode(file: FileHandle, mode: number): Promise<void> {
  const { mode: given } = await file.stat();
  if ((given & 0o777) === mode) return;
  try {
    await file.chmod(mode);
  } catch (error) {
    if ((given & 0o077 & ~mode) !== 0) throw error;
  }
}

/** Makes a new name in a folder durable. Windows cannot open folders and needs no sync of them. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
