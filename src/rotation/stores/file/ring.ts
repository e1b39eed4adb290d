import { checkString } from '../../../core/index.js';
import { watchFiles } from '../../../util/watch-files.js';
import { parseRing } from '../../ring/document.js';
import type { RingStore } from '../../ring/types.js';
import { createLease, parseLease } from '../lease.js';
import { createRingAccess } from '../text-slot.js';
import { CompareAndSwapFile } from './compare-and-swap-file.js';
import { FILE } from './errors.js';
import { createUseReports } from './use-reports.js';

/**
 * Creates a store for a key ring in a file, which is safe in Git. Writers on one file system never lose each other's
 * versions: a writer claims a revision by a hard link beside the file and renames it into place; the next writer finishes
 * the claim of a process that died. No lock can be left behind. Where the file system has no hard links, an exclusively
 * created file takes the link's place.
 *
 * A symbolic link, as in a mounted Kubernetes ConfigMap, is followed for reading only. Changes reach clients where the file
 * system reports them, elsewhere after the clients' `ttl`. A lease is kept in `<path>.lease`, use reports
 * in the folder `<path>.use`.
 *
 * @param path - the path of the file; its folder must exist, and be writable for writes
 * @returns a store for `fromKeyRing` and `KeyRotationManager`; there is nothing to close
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: `path` is not a string or empty
 * @throws {KeyProviderError} `ERR_GOLDKEY_PROVIDER`, by `read`, retryable: the ring is damaged, too large, or not a regular
 * file; by `write`, not retryable for what stands in the ring's place: no space, no folder, or a symbolic link
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`: the file may not be read (retryable for readers), or its folder
 * not written
 *
 * @example
 * ```ts
 * import { fileRing } from 'goldkey/rotation';
 *
 * const found = await fileRing('./gold.ring.json').read();
 * console.log(found?.ring.current);
 * ```
 */
export function fileRing(path: string): RingStore {
  checkString('path', path);
  return {
    name: FILE,
    ...createRingAccess(FILE, new CompareAndSwapFile(path, (text) => parseRing(text, FILE))),
    lease: createLease(FILE, new CompareAndSwapFile(`${path}.lease`, (text) => parseLease(text, FILE))),
    ...createUseReports(`${path}.use`),
    subscribe: (onChange) => watchFiles([path], onChange),
    allowsOlderRevision: () => true,
  };
}
