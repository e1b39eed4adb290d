import { KeyProviderError } from '../../core/index.js';
import {
  compareVersionNames,
  MAX_RING_BYTES,
  parseRing,
  RING_RULES,
  ROLLOUT_RULES,
  VERSION_RULES,
} from './document.js';
import type { KeyRingDocument } from './types.js';

/**
 * Returns a ring as JSON: the same text for the same ring, one field a line, so that a diff shows what changed. Throws
 * for a ring that readers would refuse, because no step could undo such a write.
 */
export function serializeRing(ring: KeyRingDocument, store: string): string {
  const { rollout } = ring;
  const versions = Object.entries(ring.versions)
    .toSorted(([a], [b]) => compareVersionNames(a, b))
    .map(([name, { encryptionContext, metadata, ...rest }]) => {
      const pairs = { encryptionContext: orderFields(encryptionContext), metadata: metadata && orderFields(metadata) };
      return [name, orderFields({ ...rest, ...pairs }, VERSION_RULES)] as const;
    });
  const ordered = {
    ...ring,
    rollout: rollout && orderFields(rollout, ROLLOUT_RULES),
    versions: Object.fromEntries(versions),
  };
  const json = `${JSON.stringify(orderFields(ordered, RING_RULES), undefined, 2)}\n`;
  if (json.length > MAX_RING_BYTES) {
    throw new KeyProviderError(
      `The key ring would have ${String(json.length)} characters, more than any store holds; give its versions less \`metadata\`.`,
      { provider: store, retryable: false },
    );
  }
  parseRing(json, store);
  return json;
}

/** Returns whether `stored` is this very write, which then succeeded although its answer was lost. */
export function isSameWrite(stored: KeyRingDocument | undefined, ring: KeyRingDocument): boolean {
  return stored?.writeId === ring.writeId && stored.revision === ring.revision;
}

/** Returns a copy with the fields of `rules` first, in their order, and then the other fields by name. */
function orderFields(value: object, rules: object = {}): object {
  const fields = value as Readonly<Record<string, unknown>>;
  // A field that is named again keeps its first place, and JSON has none that is undefined.
  const names = [...Object.keys(rules), ...Object.keys(fields).toSorted()];
  return Object.fromEntries(names.map((name) => [name, fields[name]]));
}
