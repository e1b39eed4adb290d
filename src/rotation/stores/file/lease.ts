import { isGoldKeyError } from '../../../core/index.js';
import type { RingStore } from '../../ring/types.js';
import { createLease, parseLease } from '../lease.js';
import { CompareAndSwapFile } from './compare-and-swap-file.js';
import { FILE } from './errors.js';

/** Returns a lease in the file `path`, judged by the wall clocks of the hosts that share it. */
export function fileLease(path: string): NonNullable<RingStore['lease']> {
  const file = new CompareAndSwapFile(path, (text) => ({ ...parseLease(text, FILE), text }));
  return createLease<number>(FILE, {
    async read() {
      const found = await file.read();
      return { text: found?.text, token: found?.revision ?? 0 };
    },
    async swap(text, revision) {
      try {
        await file.replace(text, parseLease(text, FILE), revision);
        return true;
      } catch (error) {
        if (isGoldKeyError(error, 'ERR_GOLDKEY_RING_CONFLICT')) return false;
        throw error;
      }
    },
  });
}
