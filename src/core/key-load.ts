import { CLOCK } from './clock.js';
import { GoldKeyError, isGoldKeyError, KeyProviderError, KeyTimeoutError } from './errors.js';
import { kindOf, type CheckedOptions } from './options.js';
import type { LoadedKey, LoadRequest, Rollout, Stage, UnchangedKey } from './types.js';

/** What one load needs to know. */
export interface LoadOrder {
  stage: Stage;
  known: readonly string[] | undefined;
  /** Nobody waits for it: its timer must not hold the process. */
  background: boolean;
  /** Where the load leaves its abort function while it runs: closing ends it. */
  aborts: Set<(reason: Error) => void>;
}

/** What the store said. */
export interface Loaded {
  key: LoadedKey | UnchangedKey | undefined;
  rollout: Rollout | undefined;
}

/**
 * Asks the store once, within `keyTimeout`. Bytes that arrive too late are zeroed. The store's retries are its own:
 * nothing is asked twice here.
 */
export async function askStore(options: CheckedOptions, order: LoadOrder): Promise<Loaded> {
  const { keyProvider, keyTimeout, clock } = options;
  const controller = new AbortController();
  const { signal } = controller;
  let over = false;

  const ask = async (): Promise<Loaded> => {
    const request: LoadRequest = { stage: order.stage, signal };
    if (order.known !== undefined) request.known = order.known;
    Object.defineProperty(request, CLOCK, { value: clock });
    const key = await keyProvider.load(request);
    if (over) wipe(key);
    return { key, rollout: order.stage === 'current' && !over ? await readRollout(options, signal) : undefined };
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
      keyTimeout,
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
  try {
    return await Promise.race([ask(), ending]);
  } finally {
    over = true;
    stop();
  }
}

/** A failed rollout read is no reason to do without the key: the last rollout known stays. */
async function readRollout({ keyProvider }: CheckedOptions, signal: AbortSignal): Promise<Rollout | undefined> {
  try {
    return await keyProvider.rollout?.({ signal });
  } catch {
    return undefined;
  }
}

/** Zeroes what a store handed over. */
export function wipe(key: unknown): void {
  const bytes = (key as Partial<LoadedKey> | null | undefined)?.bytes;
  if (bytes instanceof Uint8Array) bytes.fill(0);
}

/** A store's error as one of ours. What a store of somebody else's throws says nothing for certain: it may pass. */
export function asKeyError(error: unknown, provider: string): GoldKeyError {
  if (isGoldKeyError(error)) return error;
  const what = error instanceof Error ? error.name : kindOf(error);
  return new KeyProviderError(`The key store \`${provider}\` failed (${what}); its error is the \`cause\`.`, {
    cause: error,
    provider,
  });
}

/** The last error again, for a caller who comes while no load may start. */
export function errorAgain(error: GoldKeyError, retryAfter: number): GoldKeyError {
  const { message, retryable, provider, version } = error;
  const Again = error.constructor as new (...args: ConstructorParameters<typeof GoldKeyError>) => GoldKeyError;
  const again = error instanceof GoldKeyError ? Again : KeyProviderError;
  return new again(message, { cause: error, retryable, retryAfter, provider, version });
}
