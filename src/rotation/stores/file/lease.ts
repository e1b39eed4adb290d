import { tryOrUndefined, KeyProviderError, nodeCrypto } from '../../../core/index.js';
import { CompareAndSwapFile, type Stamp } from './compare-and-swap-file.js';
import { documentLease, leaseFrom, type LeaseDocument } from '../lease.js';
import { FILE } from './errors.js';
import type { RingStore } from '../../ring/types.js';

/** A lease in a file beside the ring, by the wall clock of whoever uses it. */
export function fileLease(path: string): NonNullable<RingStore['lease']> {
  const file = new CompareAndSwapFile(path, parseLease);
  return documentLease<number>({
    async read() {
      const lease = await file.read();
      return { lease, token: lease?.revision ?? 0 };
    },
    async write(lease, expected) {
      const next = { ...lease, revision: expected + 1, writeId: nodeCrypto().randomUUID() };
      await file.replace(`${JSON.stringify(next)}\n`, next, expected);
    },
  });
}

function parseLease(text: string): LeaseDocument & Stamp {
  const lease = leaseFrom(tryOrUndefined(() => JSON.parse(text) as Stamp) ?? undefined, FILE);
  if (Number.isSafeInteger(lease.revision)) return lease;
  throw new KeyProviderError(
    'The lease beside the key ring has no revision; remove that file when no rotation is running.',
    {
      provider: FILE,
    },
  );
}
