import { KeyMaterial } from './key-material.js';
import { RingWriter } from './ring-writer.js';
import type { CheckedRotation } from './options.js';

/** What the steps of one manager work with. */
export interface Means {
  readonly options: CheckedRotation;
  readonly writer: RingWriter;
  readonly material: KeyMaterial;
}

export function meansOf(options: CheckedRotation): Means {
  return { options, writer: new RingWriter(options), material: new KeyMaterial(options) };
}
