import {
  getRequestClock,
  KeyAccessDeniedError,
  KeyProviderError,
  type GoldKeyError,
  type KeyProvider,
  type LoadRequest,
  type Rollout,
} from '../../core/index.js';
import { ChainLink } from './member.js';
import { hearAll } from './subscriptions.js';
import { checkChain, type ChainOptions, type Store } from './options.js';
import { nameInChain, nameOfStore } from './version-names.js';

const CHAIN = 'chain';

/**
 * Several key stores as one: the next is asked when the one before it fails in a way that may pass (throttled, down, no
 * credentials, no answer within 2_000 ms). What is denied, absent or malformed ends the search: a revocation takes
 * effect, whatever another store still has. All of them should hold the same key: rotate in all of them.
 *
 * After such a failure a store comes last for 1 to 30 seconds, so that loads start with the one that answers; then it
 * is first again. A load without `known`, as a refused key causes, always keeps to the order. Versions of the second
 * store are named `2:…`, and so on. Sealed stores of {@link fromBreakGlass} are passed over, open ones are asked for the
 * `current` key after any failure of the others.
 *
 * @param providers - the stores, the best first; copied
 * @param options - whether plaintext may stand behind another store
 * @returns a key store for `keyProvider`; closing it closes them all
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: no store, one that is none, an option that does not exist, or a
 * store that holds plaintext behind another
 * @throws {GoldKeyError} by a load: the only error there was; of several a `KeyProviderError` (`ERR_GOLDKEY_PROVIDER`),
 * retryable if one of them was, with all of them in an `AggregateError` as its `cause`
 *
 * @example
 * ```ts
 * import { GoldDataClient } from 'goldkey';
 * import { fromChain } from 'goldkey/chain';
 * import { fromKms } from 'goldkey/kms';
 * import { metalsApi } from 'goldkey/prices';
 *
 * const ciphertext = process.env.GOLD_API_KEY_CIPHERTEXT;
 * const encryptionContext = { service: 'gold-data-stream' };
 * const keyProvider = fromChain([
 *   fromKms({ ciphertext, encryptionContext, region: 'eu-central-1' }),
 *   fromKms({ ciphertext, encryptionContext, region: 'eu-west-1' }),
 * ]);
 * const gold = new GoldDataClient({ keyProvider, ...metalsApi() });
 * ```
 */
export function fromChain(providers: readonly KeyProvider[], options: ChainOptions = {}): KeyProvider {
  const stores = checkChain(providers, options);
  const links = stores.map((store, index) => new ChainLink(store, index));
  /** The store that answered for `current` last: its rollout is the one in force. */
  let served = links[0] as ChainLink;
  const has = (method: 'rollout' | 'report' | 'subscribe' | 'close'): boolean =>
    stores.some((store) => store[method] !== undefined);

  return {
    name: CHAIN,
    plaintextAtRest: stores.some(({ plaintextAtRest }) => plaintextAtRest === true),
    async load(request) {
      const { link, answer } = await search(links, request);
      if (request.stage === 'current') served = link;
      return answer;
    },
    ...(has('rollout') && {
      async rollout(request: { signal: AbortSignal }): Promise<Rollout> {
        const { store, index } = served;
        const rollout = await store.rollout?.(request);
        return { pendingPercent: 0, ...rollout, id: nameInChain(index, rollout?.id ?? '') };
      },
    }),
    ...(has('report') && {
      async report(refusal: { version: string; rejections: number }): Promise<void> {
        const { index, name } = nameOfStore(refusal.version);
        await stores[index]?.report?.({ ...refusal, version: name });
      },
    }),
    ...(has('subscribe') && {
      subscribe: (onChange: (change: { version?: string | undefined }) => void) => hearAll(stores, onChange),
    }),
    ...(has('close') && { close: () => closeAll(stores) }),
  };
}

type Found = { link: ChainLink; answer: Awaited<ReturnType<KeyProvider['load']>> };

async function search(links: readonly ChainLink[], request: LoadRequest): Promise<Found> {
  const { stage, signal } = request;
  signal.throwIfAborted();
  const clock = getRequestClock(request);
  // At every load, and beside it: a seal that is whole again has to be noticed for its time to start anew.
  const looks = new Map<ChainLink, Promise<boolean>>();
  for (const link of links) {
    if (link.isEmergency && stage === 'current') looks.set(link, link.look(clock, signal));
  }
  const faults: GoldKeyError[] = [];
  /** Behind this store only those for emergencies are asked. */
  let end = Infinity;
  const isOut = (link: ChainLink): boolean =>
    link.isEmergency ? stage !== 'current' || !link.isOpen : link.index > end;
  const order = orderOf(links, request);
  for (const [place, link] of order.entries()) {
    await looks.get(link);
    signal.throwIfAborted();
    if (isOut(link)) continue;
    try {
      return { link, answer: await link.load(request, order.slice(place + 1).every(isOut)) };
    } catch (error) {
      signal.throwIfAborted();
      faults.push(error as GoldKeyError);
      if (!link.isEmergency && !(error as GoldKeyError).retryable) end = Math.min(end, link.index);
    }
  }
  throw together(faults);
}

/** As given; those that failed a moment ago last, unless the key is wanted from where it belongs. */
function orderOf(links: readonly ChainLink[], request: LoadRequest): readonly ChainLink[] {
  if (request.known === undefined) return links;
  const clock = getRequestClock(request);
  return [...links.filter((link) => !link.isResting(clock)), ...links.filter((link) => link.isResting(clock))];
}

function together(faults: readonly GoldKeyError[]): GoldKeyError {
  const [first] = faults;
  if (first === undefined) {
    return new KeyAccessDeniedError('Every key store of the chain is sealed.', { provider: CHAIN });
  }
  if (faults.length === 1) return first;
  const list = faults.map(({ provider, code }) => `${provider ?? 'a store'} (${code})`).join(', ');
  const waits = faults.flatMap(({ retryAfter }) => retryAfter ?? []);
  return new KeyProviderError(`No key store of the chain gave a key: ${list}.`, {
    provider: CHAIN,
    retryable: faults.some(({ retryable }) => retryable),
    ...(waits.length > 0 && { retryAfter: Math.min(...waits) }),
    cause: new AggregateError(faults, 'Each key store failed in its own way.'),
  });
}

/** All of them, whatever one of them says. */
async function closeAll(stores: readonly Store[]): Promise<void> {
  const ended = await Promise.allSettled(stores.map(async (store) => store.close?.()));
  const failed = ended.find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}
