// Takes one step of a rotation over a file ring, in a process that is killed in the middle of it: `node --import <preload>
// <this, bundled> '<json>'`. What it minted it notes in a file of its own, as a price API remembers its keys.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { createMasterKey, localCipher } from '../../../../src/providers/local/index.js';
import { fileRing, KeyRotationManager } from '../../../../src/rotation/index.js';

/** What the child is told. */
export interface CrashOrder {
  step: 'init' | 'stage' | 'canary' | 'promote' | 'retire' | 'revert' | 'bump' | 'create-master-key';
  path: string;
  masterKeyFile: string;
  mintFile: string;
  generate: boolean;
  key?: string | undefined;
  /** How often `bump` raises the revision. */
  times?: number | undefined;
}

const order = JSON.parse(process.argv[2] ?? '') as CrashOrder;
const { step, path, masterKeyFile, mintFile, generate, key } = order;

if (step === 'create-master-key') {
  await createMasterKey(path);
  process.exit(0);
}
const manager = new KeyRotationManager({
  ring: fileRing(path),
  name: 'gold',
  cipher: localCipher({ masterKeyFile, encryptionContext: { service: 'gold-data-stream' } }),
  ...(generate && {
    generate: ({ rotationId }: { rotationId: string }) => {
      const minted = existsSync(mintFile) ? readFileSync(mintFile, 'utf8').split('\n') : [];
      appendFileSync(mintFile, `${rotationId}\n`);
      const all = [...new Set([...minted, rotationId])].filter((id) => id !== '');
      return Promise.resolve({ key: `minted-key-${String(all.indexOf(rotationId)).padStart(6, '0')}` });
    },
  }),
});

const steps: Record<typeof step, () => Promise<unknown>> = {
  init: () => manager.init(generate ? undefined : key),
  stage: () => manager.stage(generate ? undefined : key),
  canary: () => manager.canary(10),
  promote: () => manager.promote(),
  retire: () => manager.retire({ force: true }),
  revert: () => manager.revert(),
  bump: () => bump(order.times ?? 0),
};
await steps[step]();
console.log(`done ${JSON.stringify(await manager.status())}`);

/** Raises the revision so many times against others who do the same. */
async function bump(times: number): Promise<void> {
  const store = fileRing(path);
  const written: string[] = [];
  while (written.length < times) {
    const found = await store.read();
    if (found === undefined) throw new Error('There is no ring.');
    const { revision } = found.ring;
    const writeId = `${String(process.pid)}-${String(written.length)}`;
    try {
      await store.write({ ...found.ring, revision: revision + 1, writeId }, { revision });
      written.push(`${String(revision + 1)} ${writeId}`);
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ERR_GOLDKEY_RING_CONFLICT') throw error;
    }
  }
  for (const line of written) console.log(`wrote ${line}`);
}
