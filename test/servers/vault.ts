import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent, fetch } from 'undici';
import { answers, freePort, ready, stopped } from './process.js';
import { buildVault } from './vault-build.js';

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
 * Starts Vault on a free port; the first use builds it. With `tlsFolder`, an empty folder, it listens on https, and puts the file of its authority there.
 *
 * @throws {Error} whose message says what is missing and how to get it
 */
export async function startVault({ tlsFolder }: { tlsFolder?: string } = {}): Promise<Vault> {
  const binary = await buildVault();
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
