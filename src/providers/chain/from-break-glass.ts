import { stat } from 'node:fs/promises';
import {
  checkInteger,
  checkOptionNames,
  checkString,
  type Clock,
  describeType,
  getRequestClock,
  invalidType,
  KeyAccessDeniedError,
  type KeyProvider,
  raceAbort,
  systemClock,
} from '../../core/index.js';
import { closeInTime } from '../../util/close-all.js';
import { BREAK_GLASS, checkStore, deriveRequest } from './member.js';
import type { OnChange } from './subscriptions.js';

/** Options of {@link fromBreakGlass}. All are required. */
export interface BreakGlassOptions {
  /** The emergency store. It may hold the key in plaintext. */
  provider: KeyProvider;
  /**
   * The path of a file that exists while the seal is broken, or a function that returns true then. If either fails, the
   * seal counts as whole.
   */
  enabledBy: string | (() => boolean | Promise<boolean>);
  /**
   * The longest time a broken seal counts, in ms from when it was first seen broken, from 1 to 2_147_483_647. After
   * that the seal has to be whole once before it can be broken again.
   */
  maxDuration: number;
}

/**
 * Puts an emergency store under a seal. While it is sealed, loads are denied and a chain skips it; while it is open, a
 * chain asks it after any failure of the other stores. Its keys serve until `maxDuration` has passed, which
 * `staleIfError` does not prolong, and each load of one raises the event `break-glass` with the severity `critical`.
 *
 * The time counts from when this process first sees the seal broken: a new process starts from zero.
 *
 * @param options - the store, its seal, and how long the seal may be broken; copied
 * @returns a key store to put last in a `fromChain`; closing it closes `provider`
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option is unknown, missing or mistyped
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: `maxDuration` is out of range
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`, by a load: the seal is whole, or was broken too long ago
 *
 * @example
 * ```ts
 * import { fromBreakGlass, fromChain } from 'goldkey/chain';
 * import { fromFile } from 'goldkey/file';
 * import { fromVault } from 'goldkey/vault';
 *
 * const keyProvider = fromChain([
 *   fromVault({ path: 'gold' }),
 *   fromBreakGlass({
 *     provider: fromFile({ path: '/run/secrets/emergency-gold-api-key' }),
 *     enabledBy: '/run/break-glass/gold',
 *     maxDuration: 3_600_000,
 *   }),
 * ]);
 * ```
 */
export function fromBreakGlass(options: BreakGlassOptions): KeyProvider {
  checkOptionNames('fromBreakGlass', options, ['provider', 'enabledBy', 'maxDuration']);
  const { maxDuration } = options;
  const provider = checkStore('provider', options.provider);
  if (maxDuration === undefined) throw invalidType('`maxDuration` must be an integer, got undefined.');
  const readSealEnd = watchSeal(checkEnabledBy(options.enabledBy), checkInteger('maxDuration', maxDuration, 0, 1));
  const name = `break-glass:${provider.name}`;
  let lastClock = systemClock;
  return Object.defineProperty(
    {
      name,
      plaintextAtRest: provider.plaintextAtRest,
      async load(request) {
        const { stage, signal } = request;
        signal.throwIfAborted();
        lastClock = getRequestClock(request);
        const until = await readSealEnd(lastClock, signal);
        if (until === undefined) {
          throw new KeyAccessDeniedError(
            `The emergency store \`${provider.name}\` is sealed: \`enabledBy\` does not open it, or opened it more than \`maxDuration\` ago.`,
            { provider: name },
          );
        }
        // Without `known`: the store has to return a key each time, because the key raises the alarm.
        const key = await provider.load(deriveRequest(request, { stage, signal }));
        if (key === undefined || !('bytes' in key)) return key;
        return { ...key, until: Math.min(key.until ?? Infinity, until), breakGlass: true };
      },
      ...(provider.subscribe !== undefined && {
        subscribe: async (onChange: OnChange) => {
          const close = await provider.subscribe?.(onChange);
          return () => closeInTime(() => close?.(), lastClock);
        },
      }),
      ...(provider.close !== undefined && { close: () => closeInTime(() => provider.close?.(), lastClock) }),
    } satisfies KeyProvider,
    BREAK_GLASS,
    { value: async (clock: Clock, signal: AbortSignal) => (await readSealEnd(clock, signal)) !== undefined },
  );
}

type SealCheck = () => boolean | Promise<boolean>;

/**
 * Returns a function that checks the seal. It resolves to the epoch ms until which the seal stays open, or to `undefined` if
 * it is not open.
 */
function watchSeal(isBroken: SealCheck, maxDuration: number) {
  // On both clocks: one can be set, the other stops while a machine is frozen.
  let brokenAt: { wall: number; monotonic: number } | undefined;
  return async (clock: Clock, signal: AbortSignal): Promise<number | undefined> => {
    const check = (async () => (await isBroken()) === true)().catch(() => false);
    if (!(await raceAbort(check, signal))) {
      brokenAt = undefined;
      return undefined;
    }
    const [wall, monotonic] = [clock.now(), clock.monotonic()];
    brokenAt ??= { wall, monotonic };
    const left = maxDuration - Math.max(wall - brokenAt.wall, monotonic - brokenAt.monotonic);
    return left > 0 ? wall + left : undefined;
  };
}

function checkEnabledBy(enabledBy: unknown): SealCheck {
  if (typeof enabledBy === 'function') return enabledBy as SealCheck;
  if (typeof enabledBy !== 'string') {
    throw invalidType(`\`enabledBy\` must be a path or a function, got ${describeType(enabledBy)}.`);
  }
  const path = checkString('enabledBy', enabledBy);
  return () => stat(path).then(() => true);
}
