import {
  checkBoolean,
  checkInteger,
  checkOptionalFunction,
  checkOptionNames,
  describeType,
  invalidRange,
  invalidType,
  type KeyedClient,
} from '../core/index.js';
import { AuditLog, checkClients, type CheckedAuditOptions } from './audit-log.js';
import { checkChainKey } from './chain.js';
import type { Audit, AuditOptions, AuditSink } from './types.js';

/**
 * Records who used which key when: one line of JSON for each load, failure, rejection, repair, eviction, reverted canary,
 * emergency key, rotation step and alert, and the uses of each version counted once per `usageInterval`. A call costs
 * nothing, and a sink that fails holds up no call: it is told to `onError` and on the diagnostics channel
 * `goldkey:audit-failed`, and its records wait in memory for the next try. Each line names the hash of the line before it.
 *
 * @param clients - the clients to record; `[]` if `add` brings them later
 * @param sinks - where records go; each gets all of them, with a chain of its own
 * @param options - see {@link AuditOptions}; copied
 * @returns the log: `close()` it after its clients, so that the last uses are counted
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`: an option, client or sink of a wrong type or name
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`: a value out of its range
 * @example
 * ```ts
 * import { audit, fileSink, streamSink } from 'goldkey/audit';
 *
 * const log = audit(gold, [fileSink('/var/log/gold/audit.ndjson'), streamSink(process.stdout)], {
 *   actor: 'gold-data-stream',
 * });
 * process.on('SIGHUP', () => void log.reopen());
 * process.once('SIGTERM', () => void gold.close().then(() => log.close()));
 * ```
 */
export function audit(
  clients: KeyedClient | readonly KeyedClient[],
  sinks: AuditSink | readonly AuditSink[],
  options: AuditOptions = {},
): Audit {
  const checked = checkAuditOptions(options);
  const all = [sinks].flat();
  if (all.length === 0) throw invalidRange('`sinks` must hold at least one sink.');
  for (const sink of all) {
    if (typeof (sink as Partial<AuditSink> | null)?.write === 'function') continue;
    throw invalidType(`A sink must be an object with a function \`write\`, got ${describeType(sink)}.`);
  }
  // Before the log is made: it opens its sinks at once.
  checkClients(clients);
  const log = new AuditLog(all, checked);
  log.add(clients);
  return log;
}

function checkAuditOptions(options: AuditOptions): CheckedAuditOptions {
  const names = ['actor', 'usageInterval', 'chain', 'chainKey', 'format', 'onError'];
  checkOptionNames('audit', options, names);
  const { actor } = options;
  if (actor !== undefined && typeof actor !== 'string' && typeof actor !== 'function') {
    throw invalidType(`\`actor\` must be a string or a function, got ${describeType(actor)}.`);
  }
  const chain = checkBoolean('chain', options.chain, true);
  const chainKey = checkChainKey(options.chainKey);
  if (chainKey !== undefined && !chain)
    throw invalidType('`chainKey` needs `chain`: without it there is nothing to seal.');
  return {
    actor,
    chain,
    chainKey,
    usageInterval: checkInteger('usageInterval', options.usageInterval, 60_000, 1),
    format: checkOptionalFunction('format', options.format),
    onError: checkOptionalFunction('onError', options.onError),
  };
}
