/**
 * Key rings, two live keys, a canary and a way back: `import { KeyRotationManager, fromKeyRing, fileRing } from 'goldkey/rotation'`.
 *
 * @module
 */
export { fileRing } from './rotation/file-ring.js';
export { fromKeyRing } from './rotation/key-ring.js';
export { KeyRotationManager } from './rotation/manager.js';
export { RingConflictError, RotationError } from './rotation/rotation-error.js';
export type { NotifyFailure } from './rotation/notify.js';
export type { ScheduleOptions } from './rotation/schedule.js';
export type {
  KeyRingDocument,
  KeyRingOptions,
  MintedKey,
  RingChange,
  RingRollout,
  RingStore,
  RingVersion,
  RotateOptions,
  RotationOptions,
  RotationStatus,
  StepOptions,
  VersionState,
} from './rotation/types.js';
