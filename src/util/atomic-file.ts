import { open, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { nodeCrypto } from '../core/index.js';

/** The ending of a draft's name; the name begins with `.` and the name of the file that it is for. */
export const DRAFT_SUFFIX = '.draft';

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
  try {
    await writeNew(draft, content, mode);
    await publish(draft);
  } finally {
    await unlink(draft).catch(() => undefined);
  }
  await syncFolder(folder);
}

async function writeNew(path: string, content: string | Uint8Array, mode: number | undefined): Promise<void> {
  const file = await open(path, 'wx', mode ?? 0o666);
  try {
    await file.writeFile(content);
    // The umask may have removed permissions.
    if (mode !== undefined) await file.chmod(mode);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a new name in a folder durable. Windows cannot open folders and needs no sync of them. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
