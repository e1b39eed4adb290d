import { MissingPackageError } from '../core/index.js';
import { memoize } from './memoize.js';

/** The optional package that a key store needs. */
export interface OptionalPackage {
  /** The purpose, as the start of a sentence, e.g. `goldkey/kms needs the AWS SDK for KMS`. */
  readonly need: string;
  /** The name on npm. */
  readonly name: string;
  /** The name of the key store. */
  readonly provider: string;
}

/**
 * Returns a function that loads a package when first called, and again after a failure: a missing package may have been
 * installed since. The caller writes out both ways to load it, so that a bundler sees the name.
 *
 * - `byRequire` comes first, because it is 20 ms faster than `import` on Node.js 20 and 22.
 * - `byImport` loads what a bundler put into the application. In the CommonJS build `byRequire` always throws (it has no
 *   `import.meta.url`) and `byImport` is a plain `require`, so that the mocks of a test runner apply.
 */
export function packageLoader<M>(
  { need, name, provider }: OptionalPackage,
  byRequire: (from: (url: string) => NodeJS.Require) => M,
  byImport: () => Promise<M>,
): () => Promise<M> {
  const load = async (): Promise<M> => {
    try {
      return byRequire(process.getBuiltinModule('node:module').createRequire);
    } catch {
      return await byImport();
    }
  };
  return memoize(() =>
    load().catch((error: unknown) => {
      const code = (error as { code?: unknown } | null)?.code;
      if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw error;
      throw new MissingPackageError(`${need}, which is not installed: npm install ${name}`, { cause: error, provider });
    }),
  );
}
