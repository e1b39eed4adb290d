/**
 * Records of who used which key when: `import { audit, fileSink } from 'goldkey/audit'`
 *
 * @module
 */
export { audit } from './audit.js';
export { auditedProvider } from './audited-provider.js';
export { fileSink } from './file-sink.js';
export { toEcs, toOcsf } from './formats.js';
export { streamSink } from './stream-sink.js';
export { verifyAudit } from './verify.js';
export type { FileSinkOptions } from './file-sink.js';
export type { Audit, AuditEvent, AuditOptions, AuditRecord, AuditSink } from './types.js';
export type { AuditVerdict, VerifyAuditOptions } from './verify.js';
