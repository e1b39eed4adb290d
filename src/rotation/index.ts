/**
 * Key rings, two live keys, a canary and a way back: `import { KeyRotationManager, fromKeyRing, fileRing } from 'goldkey/rotation'`.
 *
 * @module
 */
export { fileRing } from './stores/file/ring.js';
export { fromKeyRing } from './ring/from-key-ring.js';
export { KeyRotationManager } from './manager/key-rotation-manager.js';
export { randomKey } from './manager/random-key.js';
export { RingConflictError, RotationError } from '../core/index.js';
export type { KeyUse } from '../core/index.js';
export type { UseReportFailure } from './ring/report-use.js';
export type { NotifyFailure } from './manager/notify.js';
export type { RotationFailure, ScheduleOptions } from './manager/schedule.js';
export type {
  KeyRingDocument,
  KeyRingOptions,
  MintedKey,
  PromoteOptions,
  RetireOptions,
  RingAccess,
  RingChange,
  RingRollout,
  RingStore,
  RingVersion,
  RotateOptions,
  RotationOptions,
  RotationStatus,
  StageOptions,
  StepOptions,
  VersionState,
} from './ring/types.js';
