import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileRing } from '../../../../src/rotation/index.js';
import { ringStoreContract } from '../ring-contract.js';

ringStoreContract('fileRing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'goldkey-ring-'));
  const path = join(folder, 'gold.ring.json');
  return {
    open: () => fileRing(path),
    spoil: (text) => writeFile(path, text),
    stored: () => readFile(path, 'utf8').catch(() => undefined),
    cleanUp: () => rm(folder, { recursive: true }),
  };
});
