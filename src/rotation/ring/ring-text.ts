import { parseRing } from './document.js';
import { ringJson } from './serialize.js';
import type { KeyRingDocument } from './types.js';

/** A ring as the text to be stored. One that no reader would take is refused here, because nobody could undo the write. */
export function ringText(ring: KeyRingDocument, store: string): string {
  const text = ringJson(ring);
  parseRing(text, store);
  return text;
}

/** Whether what is stored is this very write: its answer was lost, and it is done. */
export function isSameWrite(stored: KeyRingDocument | undefined, ring: KeyRingDocument): boolean {
  return stored?.writeId === ring.writeId && stored.revision === ring.revision;
}
