import { KeyProviderError, MissingPackageError, tryOrUndefined } from '../core/index.js';
import { parseErrorName } from './error-name.js';
import { memoize } from './memoize.js';

/** The optional package that a key store needs. */
export interface OptionalPackage {
  /** The purpose, as the start of a sentence, e.g. `goldkey/kms needs the AWS SDK for KMS`. */
  readonly need: string;
  /** The name on npm. */
  readonly name: string;
  /** The name of the key store. */
  readonly provider: string;
  /** The packages to install, where one alone does not do. Default: `name`. */
  readonly install?: string | undefined;
}

/** Files that must be free to open before a package is loaded. */
const FREE_FILES = 4;

/**
 * Returns a function that loads a package when first called, and again after a failure: the package may have been installed
 * since, and files may be free again. The caller writes out the `import()`, so that bundlers, mocks and the loaders of test
 * runners see it: the package is the one that the application's own code gets, in a bundle the bundled one.
 *
 * @param byImport - imports the package by its name, or a file that does, whose path is relative to `from`
 * @param from - the URL of the caller's file
 */
export function packageLoader<M>(
  optional: OptionalPackage,
  byImport: (name: string) => Promise<M>,
  from?: string,
): () => Promise<M> {
  const { name } = optional;
  let lastFailure: unknown;
  const load = async (): Promise<M> => {
    checkFreeFiles();
    const isNamed = importsByName(name, byImport, from);
    if (isNamed && isTheSameByRequire(name)) return createOwnRequire()(name) as M;
    try {
      return await byImport(name);
    } catch (error) {
      // A loader keeps the failure of an import for the life of the process; `require` reads the files again.
      const isKept = error === lastFailure;
      lastFailure = error;
      if (isNamed && isKept && isInstalled(name, error)) return createOwnRequire(findImporter(error))(name) as M;
      throw error;
    }
  };
  return memoize(() =>
    load().catch((error: unknown) => {
      throw explainFailure(error, optional);
    }),
  );
}

/**
 * Returns whether the `import()` asks for the package by its name, itself or in the file that it loads. Bundlers that put the
 * package into their output write one or the other anew, and Vitest the first; Jest's modules are its own.
 */
function importsByName(name: string, byImport: (name: string) => unknown, from: string | undefined): boolean {
  if ((import.meta as { jest?: unknown }).jest !== undefined) return false;
  const found = /\bimport\((?:\s|\/\*.*?\*\/)*(?:["']([^"']+)["']|\w+)/.exec(String(byImport));
  const [, asked = name] = found ?? [];
  if (!asked.startsWith('.')) return found !== null && asked === name;
  const { readFileSync } = process.getBuiltinModule('node:fs');
  const file = tryOrUndefined(() => readFileSync(new URL(asked, from), 'utf8')) ?? '';
  return new RegExp(`\\bfrom\\s*["']${name}["']`).test(file);
}

/**
 * Returns whether `require` leads to the same module as an `import()`, which takes 20 to 60 ms longer on Node.js 20 and 22.
 * It does not under hooks that resolve the name elsewhere, and for a package with a build for each.
 */
function isTheSameByRequire(name: string): boolean {
  const found = tryOrUndefined(() => [import.meta.resolve(name), createOwnRequire().resolve(name)] as const);
  return found !== undefined && found[0] === process.getBuiltinModule('node:url').pathToFileURL(found[1]).href;
}

/** Creates a `require` of this file. The CommonJS build, which has a plain one, has no URL to create it from. */
function createOwnRequire(from = import.meta.url): NodeJS.Require {
  return process.getBuiltinModule('node:module').createRequire(from);
}

/** Throws `EMFILE` if no file can be opened: Node.js would take the package for missing, and version 20 would not ask again. */
function checkFreeFiles(): void {
  const { openSync, closeSync } = process.getBuiltinModule('node:fs');
  const { devNull } = process.getBuiltinModule('node:os');
  const opened: number[] = [];
  try {
    while (opened.length < FREE_FILES) opened.push(openSync(devNull, 'r'));
  } catch (error) {
    if (isOutOfFiles(readCode(error))) throw error;
  } finally {
    opened.forEach((file) => closeSync(file));
  }
}

function explainFailure(error: unknown, { need, name, provider, install: packages = name }: OptionalPackage): Error {
  const code = readCode(error);
  const options = { cause: error, provider };
  const install = `npm install ${packages}`;
  if (isNotFound(code) && !isInstalled(name, error)) {
    return new MissingPackageError(`${need}, which is not installed: ${install}`, options);
  }
  const advice = isOutOfFiles(code)
    ? 'too many files are open, so close some or raise the limit (`ulimit -n`)'
    : `check that its files are whole and may be read, or install it again (${install})`;
  return new KeyProviderError(
    `${need}, which could not be read (${code}): ${advice}; the next use tries again.`,
    options,
  );
}

/** Returns whether the package's folder is there: Node.js also says "not found" of a package that it could not read. */
function isInstalled(name: string, error: unknown): boolean {
  const folders = tryOrUndefined(() => createOwnRequire(findImporter(error)).resolve.paths(name));
  if (folders === undefined) return !isNotFound(readCode(error));
  const { existsSync } = process.getBuiltinModule('node:fs');
  return folders?.some((folder) => existsSync(`${folder}/${name}`)) === true;
}

/** Returns the file that Node.js says asked for the package: in a bundle of webpack's `import.meta.url` is a path of the build. */
function findImporter(error: unknown): string | undefined {
  const { message, requireStack } = (error ?? {}) as { message?: unknown; requireStack?: readonly string[] };
  return /\bimported from (.+)$/.exec(String(message))?.[1] ?? requireStack?.[0];
}

const isNotFound = (code: string): boolean => code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
const isOutOfFiles = (code: string): boolean => code === 'EMFILE' || code === 'ENFILE';

/** Returns the code of an error, or its name. */
function readCode(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  return parseErrorName(code) ?? parseErrorName(name) ?? 'Error';
}
