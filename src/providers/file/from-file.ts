import { join } from 'node:path';
import {
  checkBoolean,
  checkInteger,
  checkOptionalString,
  checkOptionNames,
  checkString,
  getRequestClock,
  invalidRange,
  invalidType,
  isGoldKeyError,
  KeyNotFoundError,
  type KeyProvider,
  type LoadRequest,
  raceAbort,
  type Stage,
  withRetries,
} from '../../core/index.js';
import { refuseDocument } from '../shared/document.js';
import { toVersionedKey } from '../shared/plaintext-version.js';
import { FileCheckError, toFileError } from '../../util/file-errors.js';
import { FILE, KEY_FILE, readKeyFile } from './read.js';
import { watchFiles } from '../../util/watch-files.js';
import { quotePath } from '../../util/quote-path.js';

/** Where {@link fromFile} finds the `current` key. The file holds the key and nothing else; one trailing newline is trimmed. */
export type KeyFileLocation =
  | {
      /** Path of the file. */
      path: string;
      /** Not together with `path`. */
      credential?: undefined;
    }
  | {
      /**
       * Name of a credential that systemd hands to this service (`LoadCredential=`, or `LoadCredentialEncrypted=`, which the
       * host's TPM seals): the file of this name in `$CREDENTIALS_DIRECTORY`, which is read from the environment by each load.
       */
      credential: string;
      /** Not together with `credential`. */
      path?: undefined;
    };

/** Options of {@link fromFile}. */
export type FromFileOptions = KeyFileLocation & KeyFileOptions;

/** The options of {@link fromFile} beside the file's location. */
export interface KeyFileOptions {
  /** The file with the `pending` key, tried last, when the others are rejected. It may be missing or empty. */
  pendingPath?: string | undefined;
  /** The file with the `previous` key, tried when `current` is rejected. It may be missing or empty. */
  previousPath?: string | undefined;
  /** The largest file that is read, from 1 to 1_048_576 bytes. Default 4_096. */
  maxSize?: number | undefined;
  /** Whether a change that the file system reports reloads the key; without it `ttl` decides. Default true. */
  watch?: boolean | undefined;
}

const NAMES = ['path', 'credential', 'pendingPath', 'previousPath', 'maxSize', 'watch'];
const RETRIES = 2;
const RETRY_PAUSE_MS = 100;
/** Reads of a missing file: Kubernetes may swap a folder while its path is resolved. */
const MISSING_READS = 4;

/**
 * Creates a key store over mounted secrets of Docker and Kubernetes, in plaintext. Links are followed, and so is the swap
 * of `..data` by which Kubernetes rotates; each read returns one file, whole. A `subPath` mount never changes: mount the
 * folder.
 *
 * Only regular files are read. Except in memory (tmpfs) and in volumes of Kubernetes, a file must belong to this process's
 * user and give no other user access (mode 0600 or 0400).
 *
 * @param options - see {@link FromFileOptions}; copied
 * @returns a key store for `keyProvider`; its versions are digests of the content
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option has a name or type that does not exist
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: `maxSize` is out of its range, or `credential` is no name
 * @throws {KeyNotFoundError} `ERR_GOLDKEY_NOT_FOUND`, by a load: there is no file at `path`, or systemd has handed over no
 * credentials
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`, by a load: the file may not be read, gives other users
 * access, belongs to another user, or is a folder, a pipe or a device
 * @throws {KeyFormatError} `ERR_GOLDKEY_FORMAT`, by a load: the file exceeds `maxSize`, is empty or holds no key
 * @throws {KeyProviderError} `ERR_GOLDKEY_PROVIDER`, by a load, retryable: the disk failed, or the file is being rewritten
 *
 * @example
 * ```ts
 * import { fromFile } from 'goldkey/file';
 *
 * const keyProvider = fromFile({ path: '/run/secrets/gold-api-key' });
 * ```
 */
export function fromFile(options: FromFileOptions): KeyProvider {
  checkOptionNames('fromFile', options, NAMES);
  const paths: Record<Stage, (() => string) | undefined> = {
    current: checkLocation(options),
    pending: checkPath('pendingPath', options.pendingPath),
    previous: checkPath('previousPath', options.previousPath),
  };
  const maxSize = checkInteger('maxSize', options.maxSize, 4_096, 1, 1_048_576);
  const watch = checkBoolean('watch', options.watch, true);
  return {
    name: FILE,
    plaintextAtRest: true,
    async load(request) {
      const { stage, signal, known } = request;
      signal.throwIfAborted();
      const path = paths[stage]?.();
      if (path === undefined) return undefined;
      // A read of a network mount may hang for minutes and takes no signal.
      const bytes = await raceAbort(readWithRetries(path, maxSize, request), signal, (late) => late?.fill(0));
      if (stage !== 'current' && (bytes?.length ?? 0) === 0) return undefined;
      if (bytes === undefined) throw toFileError(path, new FileCheckError('ENOENT'), KEY_FILE);
      refuseDocument(bytes, `The key file ${quotePath(path)}`, { provider: FILE });
      return toVersionedKey('f', bytes, known);
    },
    // A mounted `pending` key is tried before a call fails, but no instance uses it first.
    ...(paths.pending !== undefined && { rollout: () => Promise.resolve({ id: '', pendingPercent: 0 }) }),
    ...(watch && {
      subscribe: async (onChange) => {
        const watched = Object.values(paths).flatMap((getPath) => getPath?.() ?? []);
        return watchFiles(watched, () => onChange({}));
      },
    }),
  };
}

function checkPath(name: string, path: unknown): (() => string) | undefined {
  const checked = checkOptionalString(name, path);
  return checked === undefined ? undefined : () => checked;
}

/** Returns the function that finds the path of the `current` key. */
function checkLocation({ path, credential }: FromFileOptions): () => string {
  const name = checkOptionalString('credential', credential);
  if (name === undefined) {
    const checked = checkString('path', path);
    return () => checked;
  }
  if (path !== undefined) throw invalidType('`path` and `credential` exclude each other: set only one of them.');
  if (!/^[^/\\]+$/.test(name) || name === '.' || name === '..') {
    throw invalidRange("`credential` must be the name of a credential of the service's unit, not a path.");
  }
  return () => {
    const folder = process.env['CREDENTIALS_DIRECTORY'] ?? '';
    if (folder !== '') return join(folder, name);
    throw new KeyNotFoundError(
      'This process has no credentials of systemd (CREDENTIALS_DIRECTORY is not set); start it as a service whose unit has `LoadCredential=` or `LoadCredentialEncrypted=`, or give `path`.',
      { provider: FILE },
    );
  };
}

function readWithRetries(path: string, maxSize: number, request: LoadRequest): Promise<Uint8Array | undefined> {
  const { signal } = request;
  return withRetries(
    async (attempt) => {
      for (let reads = 0; reads < MISSING_READS; reads++) {
        signal.throwIfAborted();
        const bytes = await readKeyFile(path, maxSize, attempt > RETRIES);
        if (bytes !== undefined) return bytes;
      }
      return undefined;
    },
    {
      retries: RETRIES,
      clock: getRequestClock(request),
      signal,
      getDelay: (error) => (isGoldKeyError(error) && error.retryable ? RETRY_PAUSE_MS : undefined),
    },
  );
}
