import { createRequire } from 'node:module';

/** The parts of goldkey's package.json that the command reads. */
interface Manifest {
  readonly version: string;
  readonly engines: { readonly node: string };
  readonly peerDependencies: Readonly<Record<string, string>>;
}

/** Reads goldkey's own manifest: by name, because the published file lies in another folder than this one. */
export function readManifest(): Manifest {
  return createRequire(import.meta.url)('goldkey/package.json') as Manifest;
}
