import { mkdir, readdir, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeCrypto, type KeyUse } from '../../../core/index.js';
import { publishFile } from '../../../util/atomic-file.js';
import { readGuarded } from '../../../util/guarded-file.js';
import { parseUse, REPORT_LIFE_MS } from '../../ring/report-use.js';
import type { RingStore } from '../../ring/types.js';
import { toRingFileError } from './errors.js';

const MAX_REPORT_BYTES = 4_096;
/** No fleet on one file system has more instances. */
const MAX_REPORTS = 10_000;

/** Returns the use reports in `folder`: one small file an instance. Files of other names are left alone. */
export function createUseReports(folder: string): Required<Pick<RingStore, 'reportUse' | 'readUse'>> {
  const listFiles = async (): Promise<string[]> => {
    const names = await readdir(folder).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw toRingFileError(folder, error, false);
    });
    return names
      .filter((name) => /^[\da-f]{32}\.json$/.test(name))
      .slice(0, MAX_REPORTS)
      .map((name) => join(folder, name));
  };
  const readReport = async (file: string): Promise<KeyUse[]> => {
    try {
      const text = Buffer.from(await readGuarded(file, MAX_REPORT_BYTES, { ownerOnly: false })).toString();
      return [parseUse(text)].filter((use) => use !== undefined);
    } catch {
      // Removed or replaced in this moment, or not ours to read.
      return [];
    }
  };
  const removeOld = async (): Promise<void> => {
    for (const file of await listFiles()) {
      const { mtimeMs } = await stat(file);
      if (Date.now() - mtimeMs > REPORT_LIFE_MS) await unlink(file);
    }
  };
  return {
    async reportUse(report) {
      // An instance's name may hold what a file's name may not.
      const name = nodeCrypto().createHash('sha256').update(report.instance).digest('hex').slice(0, 32);
      const file = join(folder, `${name}.json`);
      try {
        await mkdir(folder, { recursive: true });
        await publishFile(file, JSON.stringify(report), undefined, (draft) => rename(draft, file));
      } catch (error) {
        throw toRingFileError(file, error, true);
      }
      // Another instance may be at it too.
      await removeOld().catch(() => undefined);
    },
    async readUse() {
      return (await Promise.all((await listFiles()).map(readReport))).flat();
    },
  };
}
