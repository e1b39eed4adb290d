import { nodeCrypto } from '../util/node-builtins.js';
import { WINDOW } from './key-forms.js';

/**
 * A hash of the last eight characters of text that costs two multiplications a character. Different in each process, so
 * that the 16 bits of it that are kept of a key tell nothing to a reader of memory who has not found `factor` too.
 */
let factor = 0;
let leavingFactor = 0;

function start(): void {
  factor = nodeCrypto().randomBytes(4).readUInt32LE(0) | 1;
  leavingFactor = 1;
  for (let step = 0; step < WINDOW; step++) leavingFactor = Math.imul(leavingFactor, factor);
}

/** Returns the state after `code` came in and `leaving`, the code eight before it, went out. */
export function rollHash(state: number, code: number, leaving: number): number {
  return (Math.imul(state, factor) + code - Math.imul(leaving, leavingFactor)) | 0;
}

/** Returns the hash of a state: 16 bits. */
export function finishHash(state: number): number {
  return Math.imul(state, 0x9e3779b1) >>> 16;
}

/** Returns the hash of the eight codes before `end`. */
export function hashWindow(codes: Uint8Array, end: number): number {
  if (factor === 0) start();
  let state = 0;
  for (let index = end - WINDOW; index < end; index++) state = rollHash(state, codes[index] as number, 0);
  return finishHash(state);
}
