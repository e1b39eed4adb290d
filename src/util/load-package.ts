import { MissingPackageError } from '../core/index.js';

/** An optional package, as it is asked for where it is missing. */
export interface OptionalPackage {
  /** Who needs it and what it is, e.g. `goldkey/kms needs the AWS SDK for KMS`. */
  readonly need: string;
  /** Its name on npm. */
  readonly name: string;
  /** The key store's name. */
  readonly provider: string;
}

/**
 * Loads a package once, when first asked. `require` is 20 ms faster than `import` on Node 20 and 22; where it finds nothing
 * (a bundled application) the bundler has seen the `import`. Both are the caller's, with the name written out, so that a
 * bundler finds it and one file is seen to load it. A package that is missing may be there the next time.
 */
export function packageLoader<M>(
  { need, name, provider }: OptionalPackage,
  byRequire: (from: (url: string) => NodeJS.Require) => M,
  byImport: () => Promise<M>,
): () => Promise<M> {
  let loading: Promise<M> | undefined;
  const load = async (): Promise<M> => {
    try {
      return byRequire(process.getBuiltinModule('node:module').createRequire);
    } catch {
      return await byImport();
    }
  };
  return () =>
    (loading ??= load().catch((error: unknown) => {
      loading = undefined;
      const code = (error as { code?: unknown } | null)?.code;
      if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw error;
      throw new MissingPackageError(`${need}, which is not installed: npm install ${name}`, { cause: error, provider });
    }));
}
