import { CLOCK, FRESH_UNTIL } from '../util/clock.js';
import { isGoldKeyError, KeyProviderError, KeyTimeoutError, type GoldKeyError } from '../errors.js';
import { describeType, type CheckedOptions } from '../options.js';
import type { LoadedKey, LoadRequest, Rollout, Stage, UnchangedKey } from '../types.js';

/** What one load needs to know. */
export interface LoadOrder {
  stage: Stage;
  known: readonly string[] | undefined;
  /** The end of the stage's own key, where it is not due. */
  freshUntil?: number | undefined;
  /** What is left of `keyTimeout`. */
  timeout: number;
  /** Nobody waits for it: its timer must not hold the process. */
  background: boolean;
  /** Where the load leaves its abort function while it runs: closing ends it. */
  aborts: Set<(reason: Error) => void>;
}

/** What the store said: of `current` also where a rollout stands, even when the key could not be loaded. */
export interface Loaded {
  key: LoadedKey | UnchangedKey | undefined;
  rollout: Rollout | undefined;
  failure?: { readonly error: unknown } | undefined;
}

/**
 * Asks the store once, within `keyTimeout`. Bytes that arrive too late are zeroed. The store's retries are its own:
 * nothing is asked twice here.
 */
export async function askStore(options: CheckedOptions, order: LoadOrder): Promise<Loaded> {
  const { keyProvider, keyTimeout, clock } = options;
  const controller = new AbortController();
  const { signal } = controller;

  const ask = async (): Promise<Loaded['key']> => {
    const request: LoadRequest = { stage: order.stage, signal };
    if (order.known !== undefined) request.known = order.known;
    Object.defineProperty(request, CLOCK, { value: clock });
    Object.defineProperty(request, FRESH_UNTIL, { value: order.freshUntil });
    return keyProvider.load(request);
  };

  let stop = (): void => undefined;
  const ending = new Promise<never>((_, reject) => {
    const timer = clock.setTimeout(
      () => {
        end(
          new KeyTimeoutError(`The key store \`${keyProvider.name}\` did not answer within ${String(keyTimeout)} ms.`, {
            provider: keyProvider.name,
          }),
        );
      },
      Math.max(1, Math.ceil(order.timeout)),
      { unref: order.background },
    );
    const end = (reason: Error): void => {
      reject(reason);
      controller.abort(reason);
    };
    order.aborts.add(end);
    stop = () => {
      timer.cancel();
      order.aborts.delete(end);
    };
  });
  ending.catch(() => undefined);
  const asked = ask();
  try {
    let failure: Loaded['failure'];
    const key = await Promise.race([asked, ending]).catch((error: unknown) => {
      // What arrives although nobody waits any more, also in the very turn in which they stopped, is zeroed.
      asked.then(wipe, () => undefined);
      failure = { error };
      return undefined;
    });
    // A failed rollout read is no reason to do without the key: the last rollout known stays. A key that cannot be
    // loaded is one more reason to read it: `pending` may have to stand in.
    const rollout =
      order.stage === 'current' && !signal.aborted
        ? await Promise.race([readRollout(options, signal), ending]).catch(() => undefined)
        : undefined;
    return { key, rollout, failure };
  } finally {
    stop();
  }
}

async function readRollout({ keyProvider }: CheckedOptions, signal: AbortSignal): Promise<Rollout | undefined> {
  const { id, pendingPercent, previousUntil } = (await keyProvider.rollout?.({ signal })) ?? {};
  if (typeof id !== 'string' || typeof pendingPercent !== 'number' || Number.isNaN(pendingPercent)) return undefined;
  return { id, pendingPercent, previousUntil };
}

/** Zeroes what a store handed over. */
export function wipe(key: unknown): void {
  const bytes = (key as Partial<LoadedKey> | null | undefined)?.bytes;
  if (bytes instanceof Uint8Array) bytes.fill(0);
}

/** A store's error as one of ours. What a store of somebody else's throws says nothing for certain: it may pass. */
export function asKeyError(error: unknown, provider: string): GoldKeyError {
  if (isGoldKeyError(error)) return error;
  const what = nameOf(error);
  return new KeyProviderError(`The key store \`${provider}\` failed (${what}); its error is the \`cause\`.`, {
    cause: error,
    provider,
  });
}

function nameOf(error: unknown): string {
  try {
    return error instanceof Error ? error.name : describeType(error);
  } catch {
    return 'an error that cannot be looked at';
  }
}
