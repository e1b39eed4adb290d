import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createMasterKey } from 'goldkey/local';
import { KeyRotationManager } from 'goldkey/rotation';
import { makeTempFolder } from '../../programs/at-exit.mjs';
import { cipherOf, ringOf } from './ring-of.mjs';
import { startSigningApi } from './signing-api.mjs';

/**
 * Opens what a fleet needs beside the store of its ring: a master key, a price API, and a manager of the ring. `about` is what
 * each of its processes is told of them, and `folder` is removed with the rest.
 */
export async function openFleetScene(kind, place) {
  const folder = makeTempFolder('goldkey-fleet-');
  const masterKeyFile = join(folder, 'master.key');
  await createMasterKey(masterKeyFile);
  const api = await startSigningApi();
  const ring = await ringOf(kind, place);
  return {
    folder,
    accepted: api.accepted,
    about: { kind, place, masterKeyFile, api: api.url },
    manager: new KeyRotationManager({ ring, name: 'fleet', cipher: cipherOf(masterKeyFile) }),
    async close() {
      await ring.close?.();
      api.close();
      await rm(folder, { recursive: true });
    },
  };
}
