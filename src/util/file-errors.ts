import { isGoldKeyError, readProperty, type GoldKeyError, type GoldKeyErrorOptions } from '../core/index.js';

/** A file that fails a check, before it becomes one of the public errors. */
export class FileCheckError extends Error {
  /** The failed check, or the errno code that stands for it. */
  readonly code: 'ENOENT' | 'ELOOP' | 'NOT_REGULAR' | 'TOO_LARGE' | 'NOT_PRIVATE' | 'CHANGED';

  /** `detail` goes into the message. */
  constructor(code: FileCheckError['code'], detail: string = '') {
    super(detail);
    this.code = code;
  }
}

/** The parts of a message: the file's name and quoted path, its bare path, and a failed check's detail or the code. */
interface MessageParts {
  readonly file: string;
  readonly path: string;
  readonly detail: string;
}

/** The errors that a kind of file leads to. */
export interface FileErrors {
  readonly provider: string;
  /** The kind of file in messages, e.g. `key file`. */
  readonly kind: string;
  /** Error class and message by code of a {@link FileCheckError} or the file system; `OTHER` stands for all others. */
  readonly byCode: Readonly<Record<string, FileErrorEntry>> & { readonly OTHER: FileErrorEntry };
}

/** An error class, its message, and options that differ from the class's defaults. */
export type FileErrorEntry = readonly [
  type: new (message: string, options: GoldKeyErrorOptions) => GoldKeyError,
  message: (parts: MessageParts) => string,
  options?: { readonly retryable: boolean },
];

/** Codes that ask for the same as another one. */
const ALIASES: ReadonlyMap<unknown, string> = new Map([
  ['ENOTDIR', 'ENOENT'],
  ['EPERM', 'EACCES'],
  ['EROFS', 'EACCES'],
  ['EDQUOT', 'ENOSPC'],
]);

/** Returns the goldkey error for an error that came of using the file at `path`. A goldkey error is returned as it is. */
export function toFileError(path: string, error: unknown, { provider, kind, byCode }: FileErrors): GoldKeyError {
  if (isGoldKeyError(error)) return error;
  const found = readProperty(error as object, 'code');
  const code = typeof found === 'string' ? found : 'unknown';
  const [Type, describe, options] = byCode[code] ?? byCode[ALIASES.get(code) ?? ''] ?? byCode.OTHER;
  const isCheck = error instanceof FileCheckError;
  const message = describe({ file: `${kind} \`${path}\``, path, detail: isCheck ? error.message : code });
  return new Type(message, { ...options, provider, cause: isCheck ? undefined : error });
}

/** Returns whether the path leads to no file. */
export function isMissing(error: unknown): boolean {
  const code = readProperty(error as object, 'code');
  return code === 'ENOENT' || code === 'ENOTDIR';
}
