import { chmod, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { fromBreakGlass, fromChain } from '../../../src/providers/chain/index.js';
import { KeyProviderError } from '../../../src/core/index.js';
import { fromEnvironment } from '../../../src/providers/env/index.js';
import { fromFile } from '../../../src/providers/file/index.js';
import { keyProviderContract, memoryKeyProvider } from '../../../src/testing/index.js';
import { inMemory } from '../secret-files.js';

const runner = { describe, it, expect };
const isOnDisk = !(await inMemory(tmpdir()));

keyProviderContract(
  'fromFile',
  async (key) => {
    const folder = await mkdtemp(join(tmpdir(), 'goldkey-file-'));
    const path = join(folder, 'key');
    await writeFile(path, key, { mode: 0o600 });
    return {
      provider: fromFile({ path }),
      async rotate(successor) {
        await writeFile(`${path}.new`, successor, { mode: 0o600 });
        await rename(`${path}.new`, path);
      },
      ...(isOnDisk && { deny: () => chmod(path, 0o644) }),
      cleanUp: () => rm(folder, { recursive: true }),
    };
  },
  runner,
);

keyProviderContract(
  'fromFile over links, with all stages',
  async (key) => {
    const folder = await mkdtemp(join(tmpdir(), 'goldkey-file-'));
    const path = join(folder, 'key');
    await writeFile(join(folder, 'real'), key, { mode: 0o600 });
    await symlink('real', path);
    return {
      provider: fromFile({ path, pendingPath: join(folder, 'none'), previousPath: path, watch: false }),
      cleanUp: () => rm(folder, { recursive: true }),
    };
  },
  runner,
);

keyProviderContract(
  'fromEnvironment',
  async (key) => {
    vi.stubEnv('GOLD_API_KEY', key);
    return {
      provider: fromEnvironment('GOLD_API_KEY'),
      rotate: async (successor) => void vi.stubEnv('GOLD_API_KEY', successor),
      deny: async () => void vi.stubEnv('NODE_ENV', 'production'),
      cleanUp: async () => void vi.unstubAllEnvs(),
    };
  },
  runner,
);

const isBehind = [
  ['fromChain, the first answers', false],
  ['fromChain, the second answers', true],
] as const;
for (const [name, behind] of isBehind) {
  keyProviderContract(
    name,
    async (key) => {
      const [down, well] = [memoryKeyProvider({}), memoryKeyProvider({ current: key })];
      down.failWith(() => new KeyProviderError('down', { provider: 'memory' }));
      return {
        provider: fromChain(behind ? [down, well] : [well, down], { dangerouslyAllowPlaintextFallback: true }),
        rotate: async (successor) => well.set('current', successor),
        stop: async () => well.failWith(() => new KeyProviderError('down', { provider: 'memory' })),
        cleanUp: async () => undefined,
      };
    },
    runner,
  );
}

keyProviderContract(
  'fromBreakGlass, open',
  async (key) => {
    const provider = memoryKeyProvider({ current: key });
    let isOpen = true;
    return {
      provider: fromBreakGlass({ provider, enabledBy: () => isOpen, maxDuration: 60_000 }),
      rotate: async (successor) => provider.set('current', successor),
      deny: async () => {
        isOpen = false;
      },
      stop: async () => provider.failWith(() => new KeyProviderError('down', { provider: 'memory' })),
      cleanUp: async () => undefined,
    };
  },
  runner,
);
