import { compareVersionNames, parseRing } from './document.js';
import type { KeyRingDocument, RingVersion } from './types.js';

const RING_FIELDS = ['format', 'name', 'revision', 'writeId', 'current', 'previous', 'rollout', 'versions'];
const ROLLOUT_FIELDS = ['pending', 'id', 'percent', 'startedAt', 'revertedAt'];
const VERSION_FIELDS = [
  'state',
  'cipher',
  'keyId',
  'encryptionContext',
  'fingerprint',
  'createdAt',
  'notAfter',
  'revertedAt',
  'rotationId',
  'metadata',
  'ciphertext',
];

/** Returns the text to store. Throws for a ring that readers would refuse: nobody could undo such a write with a step. */
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
      rollout: rollout && orderFields(rollout, ROLLOUT_FIELDS),
      versions: Object.fromEntries(versions),
    },
    RING_FIELDS,
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
    VERSION_FIELDS,
  );
}

/** Returns a copy with the `known` fields first, in their order, and then the other fields by name. */
function orderFields(value: object, known: readonly string[] = []): object {
  const fields = value as Readonly<Record<string, unknown>>;
  const others = Object.keys(fields).filter((name) => !known.includes(name));
  const names = [...known.filter((name) => fields[name] !== undefined), ...others.toSorted()];
  return Object.fromEntries(names.map((name) => [name, fields[name]]));
}
