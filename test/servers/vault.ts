import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent, fetch } from 'undici';
import { answers, cacheFolder, freePort, ready, run, stopped } from './process.js';

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

/** What Vault answered: the body is its JSON, `undefined` where there was none. */
export interface VaultAnswer {
  readonly status: number;
  readonly body: { readonly [name: string]: unknown } | undefined;
}

/** HashiCorp Vault in dev mode on loopback: in memory, unsealed, KV v2 at `secret/`. */
export interface Vault extends AsyncDisposable {
  readonly url: string;
  readonly rootToken: string;
  /** Asks the API as root; `path` comes without `/v1/`. Rejects only when there was no answer. */
  request(method: string, path: string, body?: object): Promise<VaultAnswer>;
  /** Seals it: it answers 503 to everything until `unseal`. What is in it stays. */
  seal(): Promise<void>;
  unseal(): Promise<void>;
}

/**
 * Builds Vault on first use, into a cache folder outside the work tree (about six minutes on two cores), and starts it on
 * a free port. With `tlsFolder`, an empty folder, it listens on https, and puts the file of its authority there.
 *
 * @throws {Error} whose message says what is missing and how to get it
 */
export async function startVault({ tlsFolder }: { tlsFolder?: string } = {}): Promise<Vault> {
  const binary = await built();
  const port = await freePort();
  const url = `${tlsFolder === undefined ? 'http' : 'https'}://127.0.0.1:${String(port)}`;
  const caFile = tlsFolder === undefined ? undefined : join(tlsFolder, 'vault-ca.pem');
  let dispatcher: Agent | undefined;
  const rootToken = `root-${randomUUID()}`;
  const server = spawn(
    binary,
    [
      'server',
      '-dev',
      `-dev-root-token-id=${rootToken}`,
      `-dev-listen-address=127.0.0.1:${String(port)}`,
      // Else it would overwrite the token that the user's own Vault client keeps in the home folder.
      '-dev-no-store-token',
      ...(tlsFolder === undefined ? [] : ['-dev-tls', `-dev-tls-cert-dir=${tlsFolder}`]),
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  let unsealKey: string | undefined;
  let printed = '';
  server.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    // Read on after that: a full pipe would stop the server.
    if (unsealKey !== undefined) return;
    printed += chunk;
    unsealKey = /^Unseal Key: (\S+)\s/m.exec(printed)?.[1];
  });
  await ready(
    'Vault',
    server,
    async () => unsealKey !== undefined && (caFile !== undefined || (await answers(`${url}/v1/sys/health`))),
  );
  if (caFile !== undefined) dispatcher = new Agent({ connect: { ca: await readFile(caFile, 'utf8') } });

  const request = async (method: string, path: string, body?: object): Promise<VaultAnswer> => {
    const answer = await fetch(`${url}/v1/${path}`, {
      ...(dispatcher === undefined ? {} : { dispatcher }),
      method,
      headers: { 'X-Vault-Token': rootToken, 'X-Vault-Request': 'true' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>) };
  };
  const done = async (path: string, body?: object): Promise<void> => {
    const { status } = await request('PUT', path, body);
    if (status >= 300) throw new Error(`Vault answered ${String(status)} to PUT ${path}.`);
  };
  return {
    url,
    rootToken,
    request,
    seal: () => done('sys/seal'),
    unseal: () => done('sys/unseal', { key: unsealKey }),
    [Symbol.asyncDispose]: async () => {
      await dispatcher?.close();
      await stopped(server);
    },
  };
}

/**
 * Vault is to be had from the registries as a Go module only. `-tags minimal` leaves the cloud plug-ins out; 1.21.0 is the
 * newest release that builds with a released `sdk` module.
 */
async function built(): Promise<string> {
  const folder = cacheFolder(`vault-${VERSION}`);
  const binary = join(folder, 'vault');
  if (await runs(binary)) return binary;
  console.warn('Building Vault from its Go module, this once: about six minutes on two cores.');
  let source: string | undefined;
  try {
    await mkdir(folder, { recursive: true });
    // A folder of its own, and renamed at the end: another run may be building too, and a binary that is there is whole.
    source = await mkdtemp(join(folder, 'build-'));
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
