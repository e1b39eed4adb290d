import {
  checkBoolean,
  checkOptionNames,
  copyError,
  describeType,
  getRequestClock,
  invalidType,
  KeyAccessDeniedError,
  KeyProviderError,
  quote,
  systemClock,
  type GoldKeyError,
  type KeyProvider,
  type LoadRequest,
  type Rollout,
} from '../../core/index.js';
import { closeAll, closeInTime } from '../../util/close-all.js';
import { BREAK_GLASS, ChainMember, checkStore, type Store } from './member.js';
import { subscribeToAll, type OnChange } from './subscriptions.js';
import { formatChainName, parseChainName } from './version-names.js';

const CHAIN = 'chain';

/** Options of {@link fromChain}. */
export interface ChainOptions {
  /**
   * Allows a store that holds the key in plaintext to follow another: an attacker who can make the first one fail then
   * has the key served from plaintext. Default `false`.
   */
  dangerouslyAllowPlaintextFallback?: boolean | undefined;
}

/**
 * Joins several key stores into one that asks the next store when the one before it fails in a way that may pass: it is
 * throttled, down, has no credentials or does not answer within 2_000 ms. A key that is denied, absent or malformed
 * ends the search, so that a revocation takes effect whatever another store still has. All stores should hold the same
 * key: rotate it in all of them.
 *
 * After such a failure a store comes last for 1_000 to 30_000 ms, so that loads start with the store that answers. A
 * load without `known`, as a rejected key causes, always keeps to the order. Versions of the second store are named
 * `2:…`, and so on. Sealed stores of {@link fromBreakGlass} are skipped; open ones are asked for the `current` key
 * after any failure of the others.
 *
 * @param providers - the stores, the preferred one first; copied
 * @param options - whether a store that holds plaintext may follow another
 * @returns a key store for `keyProvider`; closing it closes all stores, and waits at most 2_000 ms for each
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: `providers` is empty or holds something other than a key store,
 * an option is unknown or mistyped, or a store that holds plaintext follows another
 * @throws {GoldKeyError} by a load: the only store's error; for several a `KeyProviderError` (`ERR_GOLDKEY_PROVIDER`)
 * that is retryable if one of them is, with all of them in an `AggregateError` as its `cause`
 *
 * @example
 * ```ts
 * import { fromChain } from 'goldkey/chain';
 * import { fromKms } from 'goldkey/kms';
 *
 * const ciphertext = process.env.GOLD_API_KEY_CIPHERTEXT;
 * const encryptionContext = { service: 'gold-data-stream' };
 * const keyId = 'alias/gold-api-keys';
 * const keyProvider = fromChain([
 *   fromKms({ ciphertext, encryptionContext, keyId, region: 'eu-central-1' }),
 *   fromKms({ ciphertext, encryptionContext, keyId, region: 'eu-west-1' }),
 * ]);
 * ```
 */
export function fromChain(providers: readonly KeyProvider[], options: ChainOptions = {}): KeyProvider {
  const stores = checkChain(providers, options);
  const members = stores.map((store, index) => new ChainMember(store, index));
  /** The store that answered for `current` last: its rollout is the one in force. */
  let serving = members[0] as ChainMember;
  /** The clock of the client, which comes with each load. */
  let clock = systemClock;
  const has = (method: 'rollout' | 'report' | 'subscribe' | 'close'): boolean =>
    stores.some((store) => store[method] !== undefined);

  return {
    name: CHAIN,
    plaintextAtRest: stores.some(({ plaintextAtRest }) => plaintextAtRest === true),
    async load(request) {
      clock = getRequestClock(request);
      const { member, answer } = await loadFromFirst(members, request);
      if (request.stage === 'current') serving = member;
      return answer;
    },
    ...(has('rollout') && {
      async rollout(request: { signal: AbortSignal }): Promise<Rollout> {
        const { store, index } = serving;
        const rollout = await store.rollout?.(request);
        return { pendingPercent: 0, ...rollout, id: formatChainName(index, rollout?.id ?? '') };
      },
    }),
    ...(has('report') && {
      async report(rejection: { version: string; rejections: number }): Promise<void> {
        const { index, name } = parseChainName(rejection.version);
        await stores[index]?.report?.({ ...rejection, version: name });
      },
    }),
    ...(has('subscribe') && { subscribe: (onChange: OnChange) => subscribeToAll(stores, onChange, clock) }),
    ...(has('close') && {
      close: () => closeAll(stores.map((store) => ({ close: () => closeInTime(() => store.close?.(), clock) }))),
    }),
  };
}

function checkChain(providers: readonly KeyProvider[], options: ChainOptions): readonly Store[] {
  checkOptionNames('fromChain', options, ['dangerouslyAllowPlaintextFallback']);
  const isAllowed = checkBoolean('dangerouslyAllowPlaintextFallback', options.dangerouslyAllowPlaintextFallback);
  if (!Array.isArray(providers) || providers.length === 0) {
    const got = Array.isArray(providers) ? 'an empty array' : describeType(providers);
    throw invalidType(`\`providers\` must be an array of key stores, got ${got}.`);
  }
  const stores: readonly Store[] = [...providers];
  for (const [index, store] of stores.entries()) {
    checkStore(`providers[${String(index)}]`, store);
    if (index === 0 || isAllowed || store.plaintextAtRest !== true || store[BREAK_GLASS] !== undefined) continue;
    throw invalidType(
      `\`providers[${String(index)}]\` (${store.name}) holds the key in plaintext and may only come first: wrap it in \`fromBreakGlass\`, or set \`dangerouslyAllowPlaintextFallback\`.`,
    );
  }
  return stores;
}

/** Loads from the first member that answers, in order. */
async function loadFromFirst(members: readonly ChainMember[], request: LoadRequest) {
  const { stage, signal } = request;
  signal.throwIfAborted();
  const clock = getRequestClock(request);
  // Every load checks every seal: one that is whole again has to be noticed for its time to start anew.
  const sealChecks = new Map<ChainMember, Promise<void>>();
  for (const member of members) {
    if (member.isEmergency && stage === 'current') sealChecks.set(member, member.checkSeal(clock, signal));
  }
  const errors: GoldKeyError[] = [];
  /** The index behind which only emergency stores are asked. */
  let end = Infinity;
  const isSkipped = (member: ChainMember): boolean =>
    member.isEmergency ? stage !== 'current' || !member.isOpen : member.index > end;
  const order = orderMembers(members, request);
  for (const [place, member] of order.entries()) {
    await sealChecks.get(member);
    signal.throwIfAborted();
    if (isSkipped(member)) continue;
    try {
      return { member, answer: await member.load(request, order.slice(place + 1).every(isSkipped)) };
    } catch (error) {
      signal.throwIfAborted();
      errors.push(error as GoldKeyError);
      if (!member.isEmergency && !(error as GoldKeyError).retryable) end = Math.min(end, member.index);
    }
  }
  const sealed = stage === 'current' ? members.filter((member) => member.isEmergency && !member.isOpen) : [];
  throw combineErrors(
    errors,
    sealed.map(({ store }) => store.name),
  );
}

/** Puts resting members last, unless the request has no `known`: after a rejected key the order has to hold. */
function orderMembers(members: readonly ChainMember[], request: LoadRequest): readonly ChainMember[] {
  if (request.known === undefined) return members;
  const clock = getRequestClock(request);
  return members.toSorted((a, b) => Number(a.isResting(clock)) - Number(b.isResting(clock)));
}

/** Returns the error of a chain. `sealed` are the emergency stores that were not asked. */
function combineErrors(errors: readonly GoldKeyError[], sealed: readonly string[]): GoldKeyError {
  const [first] = errors;
  if (first === undefined) {
    return new KeyAccessDeniedError('Every key store of the chain is sealed; see `enabledBy`.', { provider: CHAIN });
  }
  const seals = sealed.map((name) => ` The emergency store ${quote(name)} is sealed and was not asked.`).join('');
  if (errors.length === 1) return seals === '' ? first : copyError(first, { message: `${first.message}${seals}` });
  const list = errors.map(({ provider, code }) => `${provider ?? 'a store'} (${code})`).join(', ');
  const waits = errors.flatMap(({ retryAfter }) => retryAfter ?? []);
  return new KeyProviderError(`No key store of the chain gave a key: ${list}.${seals}`, {
    provider: CHAIN,
    retryable: errors.some(({ retryable }) => retryable),
    ...(waits.length > 0 && { retryAfter: Math.min(...waits) }),
    cause: new AggregateError(errors, 'Each key store failed with an error.'),
  });
}
