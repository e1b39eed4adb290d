import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { audit, auditedProvider, fileSink, verifyAudit, type AuditRecord } from '../../src/audit/index.js';
import { KeyedClient, type KeyProvider } from '../../src/core/index.js';
import { fromKms, kmsCipher } from '../../src/providers/kms/index.js';
import { fromKmsLight } from '../../src/providers/kms-light/index.js';
import { fileRing, fromKeyRing, KeyRotationManager } from '../../src/rotation/index.js';
import { assertNoSecret, manualClock, memoryKeyProvider } from '../../src/testing/index.js';
import { run, temporaryFolder } from '../cli/run.js';
import { built, missing, ROOT } from '../examples/start-example.js';
import { endWithProcess } from '../programs/at-exit.mjs';
import { MOTO_ENV, startMoto, type Moto } from '../servers/moto.js';
import { orSkip } from '../servers/or-skip.js';
import { mountTmpfs } from '../servers/tmpfs.js';

const KEY = 'sk-invented/+&=0123456789';
const SECOND = 'sk-invented/second+&=98765';
const PAGE = 4_096;

async function* linesOf(...paths: string[]): AsyncGenerator<string> {
  for (const path of paths) yield* (await readFile(path, 'utf8')).split('\n');
}
const recordsIn = (text: string): AuditRecord[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as AuditRecord);

/** Starts a process a file that records without end, and kills them all once each has written some lines. */
async function killedWhileWriting(paths: readonly string[], fsync: 'always' | 'never', lines: number): Promise<void> {
  const program = join(ROOT, 'test/integration/audit-program.mjs');
  const started = paths.map((path) => {
    const child = endWithProcess(spawn(process.execPath, [program, path, fsync], { env: { KEY }, stdio: 'ignore' }));
    return { path, child, exited: once(child, 'exit') };
  });
  const haveWritten = async (): Promise<boolean> => {
    const counts = started.map(async ({ path, child: { pid } }) => {
      const text = await readFile(path, 'utf8').catch(() => '');
      return text.split(`"pid":${String(pid)},`).length - 1;
    });
    return (await Promise.all(counts)).every((count) => count >= lines);
  };
  await expect.poll(haveWritten, { timeout: 20_000, interval: 1 }).toBe(true);
  for (const { child } of started) child.kill('SIGKILL');
  for (const { exited } of started) expect(await exited).toEqual([null, 'SIGKILL']);
}

describe.skipIf(!built)(`a process killed with -9 while it writes ${missing}`, () => {
  it.each(['always', 'never'] as const)(
    'leaves whole lines, and its successor goes on with its chain (fsync: %s)',
    async (fsync) => {
      await using folder = await temporaryFolder();
      const path = join(folder.path, 'audit.ndjson');
      for (let kill = 0; kill < 8; kill++) {
        await killedWhileWriting([path], fsync, 11 + 3 * kill);
        const text = await readFile(path, 'utf8');
        const whole = text.slice(0, text.lastIndexOf('\n') + 1);

        assertNoSecret(text, KEY);
        // Linux ends a write at a page's border when it kills the process. Nothing else tears a line.
        if (whole !== text) expect(Buffer.byteLength(text) % PAGE).toBe(0);
        await writeFile(path, whole);
        expect(await verifyAudit(linesOf(path))).toMatchObject({ ok: true });
      }
      const records = recordsIn(await readFile(path, 'utf8'));
      expect(records.filter(({ event }) => event === 'opened')).toHaveLength(8);
    },
  );

  it('two on one file: both chains hold; each on a file of its own: each holds', async () => {
    await using folder = await temporaryFolder();
    const [shared = '', one = '', two = ''] = ['shared', 'one', 'two'].map((name) => join(folder.path, name));
    await killedWhileWriting([shared, shared, one, two], 'never', 40);

    expect(new Set(recordsIn(await readFile(shared, 'utf8')).map(({ pid }) => pid)).size).toBe(2);
    for (const path of [shared, one, two]) expect(await verifyAudit(linesOf(path)), path).toMatchObject({ ok: true });
    const ran = await run(['audit', 'verify', shared]);
    expect(ran.code).toBe(0);
  });
});

const { skipped } = await orSkip(async () => (await mountTmpfs())[Symbol.asyncDispose]());

describe.skipIf(skipped !== undefined)(`a full disk ${skipped ?? ''}`, () => {
  it('the cached key serves on, a new load fails, it recovers, and the chain has no gap', async () => {
    await using disk = await mountTmpfs();
    const path = join(disk.path, 'audit.ndjson');
    const filler = join(disk.path, 'filler');
    const errors: unknown[] = [];
    // No record fits into the rest of the file's last page.
    const actor = 'x'.repeat(5_000);
    const log = audit([], fileSink(path), { actor, onError: (error) => void errors.push(error) });
    onTestFinished(() => log.close());
    const clock = manualClock();
    const store = memoryKeyProvider({ current: KEY });
    const client = new KeyedClient({ keyProvider: auditedProvider(store, log), clock, ttl: 1_000, refreshAhead: 0 });
    log.add(client);
    const use = (): Promise<string> => client.withKey(async ({ apiKey }) => apiKey);
    expect(await use()).toBe(KEY);
    await writeFile(filler, Buffer.alloc(2 * 1_048_576)).catch(() => undefined);

    store.set('current', SECOND);
    const ends: string[] = [];
    for (let round = 0; round < 60; round++) {
      await clock.advance(20_000);
      ends.push(await use().catch((error: unknown) => String((error as { code?: unknown }).code)));
      await client.settled();
    }
    expect(client.status()).toMatchObject({ lastErrorCode: 'ERR_GOLDKEY_PROVIDER' });
    expect(ends.slice(0, 20)).toEqual(Array(20).fill(KEY));
    expect(ends.slice(-20)).toEqual(Array(20).fill('ERR_GOLDKEY_PROVIDER'));
    expect(String(errors[0])).toMatch(/The audit file .* cannot be written, because the disk is full/);

    await rm(filler);
    await clock.advance(60_000);
    expect(await use()).toBe(SECOND);
    await log.close();
    const text = await readFile(path, 'utf8');
    assertNoSecret([text, errors], KEY);
    assertNoSecret([text, errors], SECOND);
    expect(recordsIn(text).map(({ seq }) => seq)).toEqual(recordsIn(text).map((_, index) => index + 1));
    expect(await verifyAudit(linesOf(path))).toMatchObject({ ok: true });
  });
});

const CONTEXT = { service: 'gold-data-stream' };
const ALIAS = 'alias/gold-audit';
const found = await orSkip(startMoto);

describe.skipIf(found.skipped !== undefined)(`the requests of KMS as moto plays it ${found.skipped ?? ''}`, () => {
  const moto = found.server as Moto;
  /** The ids of the Decrypt requests that the server has answered. */
  const ids: string[] = [];
  let endpoint = '';
  const proxy = createServer((asked, answer) => {
    const onward = request(
      new URL(asked.url ?? '/', moto.url),
      { method: asked.method ?? 'GET', headers: asked.headers },
      (given: IncomingMessage) => {
        if (asked.headers['x-amz-target'] === 'TrentService.Decrypt')
          ids.push(String(given.headers['x-amzn-requestid']));
        answer.writeHead(given.statusCode ?? 500, given.headers);
        given.pipe(answer);
      },
    );
    asked.pipe(onward);
  });

  beforeAll(async () => {
    for (const [name, value] of Object.entries(MOTO_ENV)) vi.stubEnv(name, value);
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    endpoint = `http://127.0.0.1:${String((proxy.address() as AddressInfo).port)}`;
    await run(['create-key', '--alias', ALIAS, '--endpoint-url', endpoint, '--region', moto.region]);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    proxy.close();
    proxy.closeAllConnections();
    await moto[Symbol.asyncDispose]();
  });

  const cipherOf = () =>
    kmsCipher({ keyId: ALIAS, encryptionContext: CONTEXT, region: moto.region, clientConfig: { endpoint } });

  async function storeOf(kind: string, encryptionContext: Record<string, string>): Promise<KeyProvider> {
    const { ciphertext } = await cipherOf().encrypt(KEY);
    const options = { ciphertext, encryptionContext, keyId: ALIAS, region: moto.region };
    if (kind === 'fromKms') return fromKms({ ...options, clientConfig: { endpoint } });
    if (kind === 'fromKmsLight') return fromKmsLight({ ...options, endpoint });
    const folder = await temporaryFolder();
    onTestFinished(() => folder[Symbol.asyncDispose]());
    const ring = fileRing(join(folder.path, 'ring.json'));
    await new KeyRotationManager({ ring, name: 'gold', cipher: cipherOf() }).init(KEY);
    return fromKeyRing({ ring, name: 'gold', cipher: cipherOf() });
  }

  it.each(['fromKms', 'fromKmsLight', 'fromKeyRing'])(
    '%s: a record names the request and the key that the server used',
    async (kind) => {
      for (const wraps of [false, true]) {
        const lines: string[] = [];
        const log = audit([], { write: (line) => void lines.push(line) });
        const store = await storeOf(kind, CONTEXT);
        ids.length = 0;
        const client = new KeyedClient({ keyProvider: wraps ? auditedProvider(store, log) : store });
        log.add(client);
        await client.withKey(async () => undefined);
        await client.close();
        await log.close();

        const loaded = recordsIn(`${lines.join('\n')}\n`).filter(({ event }) => event === 'key.loaded');
        expect(ids).toHaveLength(1);
        expect(loaded).toMatchObject([
          { requestId: ids[0], keyId: expect.stringMatching(/^arn:aws:kms:.*:key\//) as string, outcome: 'success' },
        ]);
        assertNoSecret(lines, KEY);
      }
    },
  );

  it.each(['fromKms', 'fromKmsLight'])('%s: a refused load names the request too', async (kind) => {
    const lines: string[] = [];
    const store = await storeOf(kind, { service: 'another' });
    ids.length = 0;
    const client = new KeyedClient({ keyProvider: store });
    const log = audit(client, { write: (line) => void lines.push(line) });
    await expect(client.prefetch()).rejects.toMatchObject({ code: 'ERR_GOLDKEY_DECRYPT' });
    await client.close();
    await log.close();

    const failed = recordsIn(`${lines.join('\n')}\n`).filter(({ event }) => event === 'key.load-failed');
    expect(ids.length).toBeGreaterThan(0);
    expect(failed[0]).toMatchObject({ requestId: ids[0], code: 'ERR_GOLDKEY_DECRYPT', severity: 'critical' });
  });
});
