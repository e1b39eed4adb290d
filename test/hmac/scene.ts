import { KeyedClient } from '../../src/index.js';
import {
  hmacSigner,
  hmacVerifier,
  type HmacRequest,
  type SignerOptions,
  type VerifierOptions,
} from '../../src/hmac/index.js';
import { manualClock, memoryKeyProvider, type ManualClock, type MemoryKeyProvider } from '../../src/testing/index.js';

export const KEY = 'signing-key-00001';
export const NEXT = 'signing-key-00002';
export const URL_OF_ORDERS = 'https://api.example/orders?limit=10';

export interface Scene {
  readonly clock: ManualClock;
  readonly store: MemoryKeyProvider;
  readonly client: KeyedClient;
  /** Signs a request; the headers of the result include the signature. */
  sign(request?: Partial<HmacRequest>): Promise<HmacRequest & { headers: Record<string, string> }>;
  verify(request: HmacRequest): ReturnType<ReturnType<typeof hmacVerifier>['verify']>;
}

/** A signer and a verifier with one client on a manual clock. */
export function scene({ signer, verifier }: { signer?: SignerOptions; verifier?: VerifierOptions } = {}): Scene {
  const clock = manualClock();
  const store = memoryKeyProvider({ current: KEY });
  const client = new KeyedClient({ keyProvider: store, clock, ttlJitter: 0 });
  const signs = hmacSigner(client, signer);
  const verifies = hmacVerifier(client, verifier);
  return {
    clock,
    store,
    client,
    async sign(more = {}) {
      const request = { method: 'POST', url: URL_OF_ORDERS, body: '{"metal":"XAU"}', ...more };
      const headers = (more.headers ?? {}) as Record<string, string>;
      const added = (await signs.sign(request)) as Record<string, string>;
      return { ...request, headers: { ...headers, ...added } };
    },
    verify: (request) => verifies.verify(request),
  };
}

/** Resolves to the reason for which a signature is refused. */
export async function refusal(verified: Promise<unknown>): Promise<unknown> {
  return verified.then(
    () => 'accepted',
    (error: unknown) => (error as { reason?: unknown }).reason ?? error,
  );
}
