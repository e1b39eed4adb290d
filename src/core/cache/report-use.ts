import { nodeCrypto } from '../util/node-builtins.js';

/** The last use of a key by one instance of a program. */
export interface KeyUse {
  /** The instance: a client's `instanceId`, or else host, process id and a random part. */
  instance: string;
  /** The version that last worked for it. */
  version: string;
  /** Epoch ms, by the instance's clock. */
  at: number;
}

/** Hidden property of a key store that wants to know, about once a minute, which version works. */
export const REPORT_USE: unique symbol = Symbol.for('goldkey.report-use');

/** How long a key is used before its use is reported again, in ms. */
export const USE_INTERVAL_MS = 60_000;

let processName: string | undefined;

/** Returns the function that takes a store's use reports, if it wants any. */
export function getUseReporter(keyProvider: object): ((use: KeyUse) => void) | undefined {
  return (keyProvider as { readonly [REPORT_USE]?: (use: KeyUse) => void })[REPORT_USE];
}

/** Returns the name of this process in use reports. Containers and functions may share a host's name and a process id. */
export function getProcessName(): string {
  const suffix = (): string => nodeCrypto().randomBytes(4).toString('hex');
  return (processName ??= `${process.getBuiltinModule('node:os').hostname()}:${String(process.pid)}:${suffix()}`);
}
