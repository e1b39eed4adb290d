import { fork, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, rm, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMasterKey, localCipher } from '../../src/providers/local/index.js';
import { installNode } from '../servers/node.js';
import { orSkip } from '../servers/or-skip.js';
import { stopped } from '../servers/process.js';
import { listForms, searchMemory } from './memory-search.js';

// What a debugger or a core dump would show of a service that has let go of its key. Told apart are:
//
// 1. What goldkey allocates, it zeroes. Where no string is made of the key (the function reads `bytes`), the key is nowhere
//    as soon as the client is closed, with no garbage collected.
// 2. A string cannot be zeroed. What `apiKey`, a URL, a header or an answer became is freed by the garbage collector, which
//    clears nothing. It is gone when V8 has given back or reused those pages and the stack: on Node.js 20 one round of `heap` does.
// 3. Node.js frees blocks that it has read an answer into, and undici's parser keeps the last answer, until other traffic
//    comes: one round of `native` does. Node.js 22 and 24 free more such blocks than 20.
// 4. The AWS SDK frees the answer of KMS, in base64, without zeroing it; malloc may keep that for the life of the process.
// 5. V8 of Node.js 24 keeps the message that an error was made with as long as the error lives; JavaScript cannot reach it.

interface Wish {
  readonly stores: readonly string[];
  readonly uses: readonly string[];
  readonly mode?: string;
  readonly node?: string;
}

const LINUX = process.platform === 'linux' ? '' : ' (SKIPPED: only Linux has /proc/<pid>/mem)';
const ADAPTERS = ['header', 'query'];
const REFUSED = ['quotingHeader', 'quotingQuery'];
const ALL_STORES = ['file', 'local', 'kmsLight', 'vault'];
/** The most often that freed memory is reused before the key must be gone. Once is enough, but for a collector that is late. */
const ROUNDS = 4;

const encryptionContext = { service: 'a test of memory' };
const word = (): string => randomBytes(12).toString('base64url');
const key = `${word()}+/=${word()}:${word()}`;
const programs = new Set<ChildProcess>();
let services: ChildProcess;
let folder = '';
let places: Record<string, string> = {};
let forms = new Map<string, Buffer[]>();

beforeAll(async () => {
  if (LINUX !== '') return;
  folder = await mkdtemp(join(tmpdir(), 'goldkey-memory-'));
  const [masterKeyFile, file] = [join(folder, 'master.key'), join(folder, 'key')];
  await createMasterKey(masterKeyFile);
  await writeFile(file, key, { mode: 0o600 });
  const { ciphertext } = await localCipher({ masterKeyFile, encryptionContext }).encrypt(key);
  services = fork(join(import.meta.dirname, 'memory-services.mjs'));
  services.send({ key, encryptionContext });
  const [found] = (await once(services, 'message')) as [Record<string, string>];
  places = { ...found, masterKeyFile, file, localCiphertext: ciphertext };
  const masterKey = Buffer.from((await readFile(masterKeyFile, 'utf8')).trim(), 'base64');
  forms = listForms(key, masterKey);
});
afterAll(async () => {
  await Promise.all([...programs, services].map(stopped));
  await rm(folder, { recursive: true, force: true });
});

/** Runs the service until it has let go of everything. */
async function serve({ node = process.execPath, ...wish }: Wish) {
  const order = JSON.stringify({ ...places, ...wish, encryptionContext });
  const env = { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' };
  const child = spawn(node, [join(import.meta.dirname, 'memory-program.mjs'), order], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env,
  });
  programs.add(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const told = JSON.parse(String((await lines.next()).value)) as { answers: number; errors: number };
  const search = (): Record<string, number> => searchMemory(child.pid ?? 0, forms);
  return {
    told,
    search,
    /** Has freed memory reused until nothing is found, or `rounds` times. */
    async searchAfter(works: readonly ('heap' | 'native')[], rounds = ROUNDS) {
      for (let round = 1; ; round++) {
        for (const work of works) {
          child.stdin.write(`${work}\n`);
          await lines.next();
        }
        const hits = search();
        if (round >= rounds || Object.keys(hits).length === 0) return hits;
      }
    },
    async [Symbol.asyncDispose]() {
      programs.delete(child);
      await stopped(child);
    },
  };
}

const running = process.versions.node.split('.')[0] ?? '';
for (const major of ['20', '22', '24']) {
  const found =
    major === running || LINUX !== '' ? { server: process.execPath } : await orSkip(() => installNode(major));
  const title = `the memory of a service on Node.js ${major}${LINUX || (found.skipped ?? '')}`;
  describe.skipIf(LINUX !== '' || found.server === undefined)(title, () => {
    const node = found.server ?? '';
    // Later versions free a block of Node.js's with the answer of KMS: 3 above.
    const stores = Number(major) < 22 ? ['file', 'local', 'kmsLight'] : ['file', 'local'];

    it('holds no key where no string was made of it, with no garbage collected', async () => {
      await using service = await serve({ node, stores, uses: ['bytes'] });
      expect(service.told).toEqual({ answers: 3 * stores.length, errors: 0 });
      // Node.js clears its own copy of a master key when it collects it.
      const { 'master key': _copy, ...others } = service.search();
      expect(others).toEqual({});
    });

    // On later versions a few strings of hundreds stay in pages that V8 does not come to reuse within these rounds.
    if (Number(major) >= 22) return;

    it('holds no key once V8 has reused what held its strings', async () => {
      await using service = await serve({ node, stores: ['file', 'local'], uses: ADAPTERS });
      expect(service.told).toEqual({ answers: 172, errors: 0 });
      expect(await service.searchAfter(['heap'])).toEqual({});
    });

    it('holds no key, while errors and connections are kept, once other work has reused its memory', async () => {
      await using service = await serve({ node, stores: ALL_STORES, uses: [...ADAPTERS, ...REFUSED, 'throwing'] });
      expect(service.told.errors).toBeGreaterThan(300);
      expect(await service.searchAfter(['heap', 'native'])).toEqual({});
    });
  });
}

describe.skipIf(LINUX !== '')(`the same search${LINUX}`, () => {
  it('finds, of a key that the AWS SDK fetched, the answer of KMS at most', async () => {
    await using service = await serve({ stores: ['kms'], uses: [...ADAPTERS, ...REFUSED] });
    const { base64: _answer, ...others } = await service.searchAfter(['heap', 'native'], 2);
    expect(others).toEqual({});
  });

  it.each([
    ['a string that was kept', 'string', 'raw'],
    ['a buffer that was kept', 'buffer', 'raw'],
    ['base64 that was kept', 'base64', 'base64'],
    ['UTF-16 that was kept', 'utf16', 'UTF-16'],
    ['the key of a client that was not closed', 'open', 'raw'],
  ])('finds %s, whatever is reused', async (_what, mode, form) => {
    await using service = await serve({ stores: ['local'], uses: ['bytes'], mode });
    expect(await service.searchAfter(['heap', 'native'], 1)).toHaveProperty([form], expect.any(Number));
  });

  it('finds buffers that were let go and not zeroed', async () => {
    await using service = await serve({ stores: ['local'], uses: ['bytes'], mode: 'dropped' });
    expect(await service.searchAfter(['heap'], 1)).toHaveProperty(['raw'], expect.any(Number));
  });
});
