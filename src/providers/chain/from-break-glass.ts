import { stat } from 'node:fs/promises';
import {
  checkOptionNames,
  getRequestClock,
  checkInteger,
  invalidType,
  KeyAccessDeniedError,
  describeType,
  checkOptionalString,
  type Clock,
  type KeyProvider,
} from '../../core/index.js';
import { requestFor } from './member.js';
import { BREAK_GLASS, isStore } from './options.js';
import { raceAbort } from '../../util/deadline.js';

/** What {@link fromBreakGlass} takes. */
export interface BreakGlassOptions {
  /** The emergency store. It may hold the key in plaintext. */
  provider: KeyProvider;
  /**
   * A file that exists while the seal is broken, or a function that says so. Whatever goes wrong with either leaves the
   * seal whole.
   */
  enabledBy: string | (() => boolean | Promise<boolean>);
  /**
   * How long a broken seal counts, in ms from when it was first seen broken, from 1 to 2_147_483_647. After that it has
   * to be whole once before it can be broken again.
   */
  maxDuration: number;
}

/**
 * An emergency store under seal. Sealed, it answers nobody and a chain passes it over; broken, a chain asks it after
 * any failure of the others. Its keys serve until `maxDuration` has passed, not even `staleIfError` keeps them longer,
 * and each load of one raises the event `break-glass` with the severity `critical`.
 *
 * How long it has been open is known to this process alone: a new one starts to count when it first looks.
 *
 * @param options - the store, the seal, and how long it may be broken; copied
 * @returns a key store, to stand last in a `fromChain`; closing it closes `provider`
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option has a name or type that does not exist
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: `maxDuration` is out of its range
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
  const { provider, maxDuration: longest } = options;
  if (!isStore(provider)) {
    throw invalidType(
      `\`provider\` must be a key store with a \`name\` and a \`load\` function, got ${describeType(provider)}.`,
    );
  }
  if (longest === undefined) throw invalidType('`maxDuration` must be an integer, got undefined.');
  const maxDuration = checkInteger('maxDuration', longest, 0, 1);
  const seal = new Seal(checkSeal(options.enabledBy), maxDuration);
  const name = `break-glass:${provider.name}`;
  return Object.defineProperty(
    {
      name,
      plaintextAtRest: provider.plaintextAtRest,
      async load(request) {
        const { stage, signal } = request;
        signal.throwIfAborted();
        const clock = getRequestClock(request);
        const until = await seal.openUntil(clock, signal);
        if (until === undefined) {
          throw new KeyAccessDeniedError(
            `The emergency store \`${provider.name}\` is sealed: \`enabledBy\` does not open it, or did so longer than \`maxDuration\` ago.`,
            { provider: name },
          );
        }
        // Without `known`: each use is to hand over a key, because that is what raises the alarm.
        const key = await provider.load(requestFor(request, { stage, signal }));
        if (key === undefined || !('bytes' in key)) return key;
        return { ...key, until: Math.min(key.until ?? Infinity, until), breakGlass: true };
      },
      ...(provider.subscribe !== undefined && {
        subscribe: (onChange) => (provider as Required<KeyProvider>).subscribe(onChange),
      }),
      ...(provider.close !== undefined && { close: () => (provider as Required<KeyProvider>).close() }),
    } satisfies KeyProvider,
    BREAK_GLASS,
    {
      value: (clock: Clock, signal: AbortSignal) => seal.openUntil(clock, signal).then((until) => until !== undefined),
    },
  );
}

type SealCheck = () => boolean | Promise<boolean>;

/** How long a seal has been broken, on both clocks: one can be set, the other stops while a machine is frozen. */
class Seal {
  readonly #isBroken: SealCheck;
  readonly #longest: number;
  #since: { wall: number; mono: number } | undefined;

  constructor(isBroken: SealCheck, longest: number) {
    this.#isBroken = isBroken;
    this.#longest = longest;
  }

  /** Epoch ms, or `undefined` when nothing is to be had. */
  async openUntil(clock: Clock, signal: AbortSignal): Promise<number | undefined> {
    const work = (async () => (await this.#isBroken()) === true)().catch(() => false);
    if (!(await raceAbort(work, signal))) {
      this.#since = undefined;
      return undefined;
    }
    const [wall, mono] = [clock.now(), clock.monotonic()];
    this.#since ??= { wall, mono };
    const left = this.#longest - Math.max(wall - this.#since.wall, mono - this.#since.mono);
    return left > 0 ? wall + left : undefined;
  }
}

function checkSeal(enabledBy: unknown): SealCheck {
  if (typeof enabledBy === 'function') return enabledBy as SealCheck;
  if (typeof enabledBy !== 'string') {
    throw invalidType(`\`enabledBy\` must be a path or a function, got ${describeType(enabledBy)}.`);
  }
  const path = checkOptionalString('enabledBy', enabledBy) ?? '';
  return () =>
    stat(path).then(
      () => true,
      () => false,
    );
}
