import { compareVersionNames, parseRing, RING_RULES, ROLLOUT_RULES, VERSION_RULES } from './document.js';
import type { KeyRingDocument, RingVersion } from './types.js';

/** Returns the text to store. Throws for a ring that readers would refuse: no step could undo such a write. */
export function ringText(ring: KeyRingDocument, store: string): string {
  const text = ringJson(ring);
  parseRing(text, store);
  return text;
}

/** Returns a ring as JSON: the same text for the same ring, one field a line, so that a diff shows what changed. */
export function ringJson(ring: KeyRingDocument): string {
  const { rollout } = ring;
  const versions = Object.entries(ring.versions)
    .toSorted(([a], [b]) => compareVersionNames(a, b))
    .map(([name, version]) => [name, orderVersion(version)] as const);
  const ordered = orderFields(
    {
      ...ring,
      rollout: rollout && orderFields(rollout, ROLLOUT_RULES),
      versions: Object.fromEntries(versions),
    },
    RING_RULES,
  );
  return `${JSON.stringify(ordered, undefined, 2)}\n`;
}

/** Returns whether `stored` is this very write, which then succeeded although its answer was lost. */
export function isSameWrite(stored: KeyRingDocument | undefined, ring: KeyRingDocument): boolean {
  return stored?.writeId === ring.writeId && stored.revision === ring.revision;
}

function orderVersion(version: RingVersion): object {
  const { encryptionContext, metadata } = version;
  return orderFields(
    { ...version, encryptionContext: orderFields(encryptionContext), metadata: metadata && orderFields(metadata) },
    VERSION_RULES,
  );
}

/** Returns a copy with the fields of `rules` first, in their order, and then the unknown fields by name. */
function orderFields(value: object, rules: object = {}): object {
  const fields = value as Readonly<Record<string, unknown>>;
  const known = Object.keys(rules);
  const unknown = Object.keys(fields).filter((name) => !known.includes(name));
  const names = [...known.filter((name) => fields[name] !== undefined), ...unknown.toSorted()];
  return Object.fromEntries(names.map((name) => [name, fields[name]]));
}
