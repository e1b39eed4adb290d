import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeTempFolder } from '../programs/at-exit.mjs';
import { cacheFolder, run } from './process.js';

const VERSION = '1.21.0';
const MAIN = `package main

import (
	"os"

	"github.com/hashicorp/vault/command"
)

func main() { os.Exit(command.Run(os.Args[1:])) }
`;
/** Two modules have gone from where they were: without these the build ends. */
const REPLACED = [
  'github.com/99designs/keyring=github.com/Jeffail/keyring@v1.2.3',
  'github.com/ma314smith/signedxml@v1.1.1=github.com/moov-io/signedxml@v1.1.1',
];

/**
 * Returns the path of Vault's program, built on first use into a cache folder outside the work tree (about six minutes on two
 * cores). The registries have it as a Go module only. `-tags minimal` leaves the cloud plug-ins out; 1.21.0 is the newest
 * release that builds with a released `sdk` module.
 *
 * @throws {Error} whose message says what is missing and how to get it
 */
export async function buildVault(): Promise<string> {
  const folder = cacheFolder(`vault-${VERSION}`);
  const binary = join(folder, 'vault');
  if (await runs(binary)) return binary;
  console.warn('Building Vault from its Go module, this once: about six minutes on two cores.');
  let source: string | undefined;
  try {
    await mkdir(folder, { recursive: true });
    // A folder of its own, and renamed at the end: another run may be building too, and a binary that is there is whole.
    source = makeTempFolder('build-', folder);
    const options = { cwd: source, env: { ...process.env, GOFLAGS: '-mod=mod' }, maxBuffer: 16_777_216 };
    await writeFile(join(source, 'main.go'), MAIN);
    await run('go', ['mod', 'init', 'vaultserver'], options);
    const replace = REPLACED.flatMap((replacement) => ['-replace', replacement]);
    await run('go', ['mod', 'edit', '-require', `github.com/hashicorp/vault@v${VERSION}`, ...replace], options);
    await run('go', ['build', '-tags', 'minimal', '-trimpath', '-ldflags', '-s -w', '-o', 'vault', '.'], options);
    await rename(join(source, 'vault'), binary);
  } catch (error) {
    const how = `install Go 1.25 or later and let it reach its module proxy; or put a vault ${VERSION} at ${binary}`;
    throw new Error(`Vault could not be built from its Go module: ${how}`, { cause: error });
  } finally {
    if (source !== undefined) await rm(source, { recursive: true, force: true });
  }
  if (await runs(binary)) return binary;
  throw new Error(`What was built of Vault does not run; put a vault ${VERSION} at ${binary}.`);
}

async function runs(binary: string): Promise<boolean> {
  try {
    await run(binary, ['version']);
    return true;
  } catch {
    return false;
  }
}
