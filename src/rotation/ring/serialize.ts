import { byName } from './document.js';
import type { KeyRingDocument } from './types.js';

const RING = ['format', 'name', 'revision', 'writeId', 'current', 'previous', 'rollout', 'versions'];
const ROLLOUT = ['pending', 'id', 'percent', 'startedAt', 'revertedAt'];
const VERSION = [
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

/** A ring as text: always the same for the same ring, one field a line, so that a diff shows what changed. */
export function ringJson(ring: KeyRingDocument): string {
  const { rollout, versions } = ring;
  const names = Object.keys(versions).toSorted(byName);
  const inOrder = ordered(
    {
      ...ring,
      rollout: rollout === undefined ? undefined : ordered(rollout, ROLLOUT),
      versions: Object.fromEntries(
        names.map((name) => {
          const version = versions[name];
          const { encryptionContext, metadata } = version ?? {};
          return [
            name,
            ordered({ ...version, encryptionContext: sorted(encryptionContext), metadata: sorted(metadata) }, VERSION),
          ];
        }),
      ),
    },
    RING,
  );
  return `${JSON.stringify(inOrder, undefined, 2)}\n`;
}

/** The fields known here in their order, then those of a later version by name. */
function ordered(value: object, known: readonly string[]): object {
  const fields = value as Readonly<Record<string, unknown>>;
  const others = Object.keys(fields).filter((name) => !known.includes(name));
  const names = [...known.filter((name) => fields[name] !== undefined), ...others.toSorted()];
  return Object.fromEntries(names.map((name) => [name, fields[name]]));
}

function sorted(pairs: Readonly<Record<string, string>> | undefined): object | undefined {
  return pairs === undefined ? undefined : ordered(pairs, []);
}
