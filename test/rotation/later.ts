import { onTestFinished, vi } from 'vitest';
import type { KeyRingDocument } from '../../src/rotation/index.js';

/** As if it were that much later: what dead writers left is told from what live ones need by its age. */
export function later(ms: number): void {
  const now = Date.now();
  const spy = vi.spyOn(Date, 'now').mockImplementation(() => now + ms);
  onTestFinished(() => spy.mockRestore());
}

/** The ring that another write makes of one. */
export const nextRing = (ring: KeyRingDocument, writeId: string): KeyRingDocument => ({
  ...ring,
  revision: ring.revision + 1,
  writeId,
});
