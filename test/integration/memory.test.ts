import { fork, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMasterKey, localCipher } from '../../src/providers/local/index.js';
import { endWithProcess, makeTempFolder } from '../programs/at-exit.mjs';
import { installNode } from '../servers/node.js';
import { orSkip } from '../servers/or-skip.js';
import { stopped } from '../servers/process.js';
import { listForms, requireRead, searchMemory, searchRanges, type Forms } from './memory-search.js';

// What a debugger or a core dump would show of a service that has let go of its key, on Linux. Told apart are:
//
// 1. What goldkey allocates, it zeroes. Where no string is made of the key (the function reads `bytes`), the key is nowhere
//    as soon as the client is closed, with no garbage collected.
// 2. A string cannot be zeroed. What `apiKey`, a URL, a header or an answer became is freed by the garbage collector, which
//    clears nothing. It is gone when V8 has given back or reused those pages and the stack.
// 3. Node.js 22 and 24 free the block that they have read an answer into, and undici's parser keeps the last answer, until
//    other traffic comes.
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
/** Calls of one client: one after the other, and in two bursts. */
const CALLS = 43;
/** The most often that freed memory is reused before the key must be gone. Once is enough, but for a collector that is late. */
const ROUNDS = 4;

const encryptionContext = { service: 'a test of memory' };
const word = (): string => randomBytes(12).toString('base64url');
const key = `${word()}+/=${word()}:${word()}`;
const programs = new Set<ChildProcess>();
let services: ChildProcess;
let folder = '';
let places: Record<string, string> = {};
let forms: Forms = new Map();

beforeAll(async () => {
  if (LINUX !== '') return;
  folder = makeTempFolder('goldkey-memory-');
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
  const child = endWithProcess(
    spawn(node, [join(import.meta.dirname, 'memory-program.mjs'), order], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env,
    }),
  );
  programs.add(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const told = JSON.parse(String((await lines.next()).value)) as { answers: number; errors: number };
  const search = (): Record<string, number> => searchMemory(child, forms);
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
    const keepsMessages = major === '24';
    // Later versions free a block with the answer of KMS: 3 above.
    const stores = major === '20' ? ['file', 'local', 'kmsLight'] : ['file', 'local'];

    it(`holds no key from ${stores.join(', ')} of which no string was made, with nothing collected or reused`, async () => {
      await using service = await serve({ node, stores, uses: ['bytes'] });
      expect(service.told).toEqual({ answers: 3 * stores.length, errors: 0 });
      // Node.js clears its own copy of a master key when it collects it.
      const { 'master key': _copy, ...others } = service.search();
      expect(others).toEqual({});
    });

    const errors = keepsMessages ? 'errors about answers' : 'errors about answers and those of functions';
    it(`holds no key that adapters sent, while ${errors} are kept, once other work has reused freed memory`, async () => {
      const uses = [...ADAPTERS, ...REFUSED, ...(keepsMessages ? [] : ['throwing'])];
      await using service = await serve({ node, stores: ALL_STORES, uses });
      expect(service.told.answers).toBe(2 * CALLS * ALL_STORES.length);
      expect(service.told.errors).toBe((uses.length - 2) * CALLS * ALL_STORES.length);
      expect(await service.searchAfter(['heap', 'native'])).toEqual({});
    });

    if (keepsMessages) {
      it('holds no key of errors that functions threw, once they are let go and freed memory is reused', async () => {
        await using service = await serve({ node, stores: ['file'], uses: ['throwing'], mode: 'forgetful' });
        expect(service.told).toEqual({ answers: 0, errors: CALLS });
        expect(await service.searchAfter(['heap', 'native'])).toEqual({});
      });
    }

    if (major === '20') {
      it('shows the answer of KMS to the AWS SDK at most, in base64, once other work has reused freed memory', async () => {
        await using service = await serve({ node, stores: ['kms'], uses: ADAPTERS });
        expect(service.told).toEqual({ answers: 2 * CALLS, errors: 0 });
        const { base64: _answer, ...others } = await service.searchAfter(['heap', 'native'], 2);
        expect(others).toEqual({});
      });
    }

    // Without these the search might find nothing because it looks nowhere.
    it.each([
      ['a string that was kept', 'string', ['raw']],
      ['every form that was kept in a buffer', 'forms', [...listForms('an=invented=key', Buffer.alloc(32)).keys()]],
      ['the key of a client that was not closed', 'open', ['raw']],
    ])('shows %s, after other work too', async (_what, mode, expected) => {
      await using service = await serve({ node, stores: ['local'], uses: ['bytes'], mode });
      expect(Object.keys(await service.searchAfter(['heap', 'native'], 1))).toEqual(expect.arrayContaining(expected));
    });

    it('shows buffers that were let go without being zeroed, before and after their collection', async () => {
      await using service = await serve({ node, stores: ['local'], uses: ['bytes'], mode: 'dropped' });
      expect(service.search()).toHaveProperty(['raw'], expect.any(Number));
      expect(await service.searchAfter(['heap'], 1)).toHaveProperty(['raw'], expect.any(Number));
    });
  });
}

describe('the search', () => {
  const [size, secret] = [3_000_000, Buffer.from('sixteen letters.')];
  const parts: Forms = new Map([['raw', [secret]]]);

  /** Reads from a stand-in for memory as Linux does: up to a page that cannot be read, and nothing from it on. */
  function readFrom(memory: Buffer, broken: readonly number[]) {
    return (into: Buffer, at: number): number => {
      const wall = broken.map((page) => page * 4_096).find((start) => start + 4_096 > at) ?? memory.length;
      if (wall <= at) throw Object.assign(new Error('i/o error'), { code: 'EIO' });
      return memory.copy(into, 0, at, Math.min(at + into.length, wall));
    };
  }

  it('finds a part once wherever it lies, across two pieces too', () => {
    for (const at of [0, 1_048_561, 1_048_568, 1_048_575, 1_048_576, 2_097_150, size - 16]) {
      const memory = Buffer.alloc(size);
      secret.copy(memory, at);
      const found = searchRanges([[0, size]], readFrom(memory, []), parts);
      expect([at, found]).toEqual([at, { hits: { raw: 1 }, read: size, unread: 0 }]);
    }
  });

  it('goes on behind pages that cannot be read, counts them, and finds nothing across them', () => {
    const memory = Buffer.alloc(size);
    for (const at of [4_096 * 3 - 16, 4_096 * 4 - 8, 4_096 * 5, size - 16]) secret.copy(memory, at);
    secret.copy(memory, 4_096 * 300 - 8, 0, 8);
    secret.copy(memory, 4_096 * 301, 8);
    const found = searchRanges([[100, size]], readFrom(memory, [3, 4, 300]), parts);
    expect(found).toEqual({ hits: { raw: 3 }, read: size - 100 - 3 * 4_096, unread: 3 * 4_096 });
  });

  it('fails when 1 % of the memory or more could not be read, or nothing was', () => {
    const hits = { raw: 1 };
    expect(requireRead({ hits, read: 9_901, unread: 99 })).toBe(hits);
    expect(() => requireRead({ hits, read: 9_900, unread: 100 })).toThrow('Of 10000 bytes of memory 100 could not');
    expect(() => requireRead({ hits: {}, read: 0, unread: 0 })).toThrow('Of 0 bytes');
  });

  it('fails for another error than of a page', () => {
    const read = (): number => {
      throw Object.assign(new Error('no such process'), { code: 'ESRCH' });
    };
    expect(() => searchRanges([[0, size]], read, parts)).toThrow('no such process');
  });
});
