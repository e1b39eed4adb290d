import type { Agent } from 'node:http';
import type { SecretClient, SecretClientOptions } from '@azure/keyvault-secrets';
import {
  closedError,
  KeyProviderError,
  KeyTimeoutError,
  withRetries,
  systemClock,
  type Clock,
} from '../../core/index.js';
import { AZURE_KEY_VAULT, azureError, type AzureCall } from './errors.js';
import { azurePause, noteAnswer } from './failures.js';
import type { CheckedAzureOptions } from './options.js';
import { packageLoader } from '../../util/load-package.js';
import { raceAbort } from '../../util/deadline.js';
import { withDeadline } from '../../util/deadline.js';

type Credential = ConstructorParameters<typeof SecretClient>[1];
type Policy = NonNullable<SecretClientOptions['additionalPolicies']>[number]['policy'];

interface Connection {
  readonly client: SecretClient;
  /** Whether the client repeats a failed request itself. */
  readonly retriesItself: boolean;
}

/** A way to one vault that connects when first used. */
export interface AzureLink {
  connect(): Promise<Connection>;
  /** Cuts what is running. A later `connect` connects anew. */
  close(): void;
}

/** How long one request may take, its answer's body included, in ms. */
const REQUEST_TIMEOUT = 2_000;
const RETRIES = 2;

const loadSecrets = packageLoader(
  {
    need: 'goldkey/azure-key-vault needs the Azure SDK for Key Vault secrets',
    name: '@azure/keyvault-secrets',
    provider: AZURE_KEY_VAULT,
  },
  (createRequire) =>
    createRequire(import.meta.url)('@azure/keyvault-secrets') as typeof import('@azure/keyvault-secrets'),
  () => import('@azure/keyvault-secrets'),
);
const loadIdentity = packageLoader(
  {
    need: 'goldkey/azure-key-vault, given neither `credential` nor `client`, needs the Azure SDK for identities',
    name: '@azure/identity',
    provider: AZURE_KEY_VAULT,
  },
  (createRequire) => createRequire(import.meta.url)('@azure/identity') as typeof import('@azure/identity'),
  () => import('@azure/identity'),
);

/** Makes a link; nothing is loaded or built before the first `connect`. The one place that loads the SDK's packages. */
export function azureLink({ vaultUrl, credential, client }: CheckedAzureOptions): AzureLink {
  if (client !== undefined) {
    const theirs = { client: client as SecretClient, retriesItself: true };
    return { connect: () => Promise.resolve(theirs), close: () => undefined };
  }
  let held: { readonly closing: AbortController; readonly connection: Promise<Connection> } | undefined;

  const build = async (closing: AbortSignal): Promise<Connection> => {
    const [sdk, own] = await Promise.all([loadSecrets(), credential ?? defaultCredential()]);
    const standIn = vaultUrl.protocol === 'http:';
    const built = new sdk.SecretClient(vaultUrl.href, own as Credential, {
      // Retries have one owner, and a redirect has no business here: the token would go along.
      retryOptions: { maxRetries: 0 },
      redirectOptions: { maxRetries: 0 },
      additionalPolicies: [{ policy: requestPolicy(vaultUrl, closing), position: 'perRetry' }],
      // A stand-in on loopback has no name that ends as the challenge of a real vault does.
      ...(standIn ? { allowInsecureConnection: true, disableChallengeResourceVerification: true } : {}),
    });
    return { client: built, retriesItself: false };
  };

  return {
    async connect() {
      if (held === undefined) {
        const closing = new AbortController();
        held = { closing, connection: build(closing.signal) };
      }
      const mine = held;
      try {
        return await mine.connection;
      } catch (error) {
        // A package that is missing may be there the next time.
        if (held === mine) held = undefined;
        throw error;
      }
    },
    close() {
      held?.closing.abort(closedError());
      held = undefined;
    },
  };
}

/** Its own retries stay: to a managed identity's endpoint, which starts late on a new machine, they belong. */
async function defaultCredential(): Promise<object> {
  const { DefaultAzureCredential } = await loadIdentity();
  return new DefaultAzureCredential();
}

/**
 * What holds for every request of a client, also for the further pages of a list, for which the SDK passes on neither
 * signal nor timeout. It stands behind the SDK's authentication, so that the search for credentials is not timed.
 */
function requestPolicy(vaultUrl: URL, closing: AbortSignal): Policy {
  let agent: Agent | undefined;
  closing.addEventListener('abort', () => agent?.destroy(), { once: true });
  return {
    name: 'goldkeyRequest',
    async sendRequest(request, next) {
      if (new URL(request.url).origin !== vaultUrl.origin) {
        throw new KeyProviderError(
          'Azure Key Vault named a next page outside the vault; it was not asked, because the token would go along.',
          { provider: AZURE_KEY_VAULT },
        );
      }
      // An agent of our own can be closed. One that is there already leads through a proxy.
      request.agent ??= agent ??= keepAliveAgent(vaultUrl.protocol);
      const limits = {
        ms: REQUEST_TIMEOUT,
        clock: systemClock,
        late: () =>
          new KeyTimeoutError(
            `Azure Key Vault did not answer within ${String(REQUEST_TIMEOUT)} ms; check the network and, behind a firewall, the private endpoint.`,
            { provider: AZURE_KEY_VAULT },
          ),
        signals: [request.abortSignal as AbortSignal | undefined, closing],
      };
      const answer = await withDeadline(limits, (signal) => {
        request.abortSignal = signal;
        return next(request);
      });
      if (answer.status >= 400) noteAnswer(request, answer.bodyAsText);
      return answer;
    },
  };
}

/** Fetched by name: an import of node:https costs milliseconds. */
function keepAliveAgent(protocol: string): Agent {
  const { Agent: Made } = process.getBuiltinModule(protocol === 'http:' ? 'node:http' : 'node:https');
  return new Made({ keepAlive: true });
}

/**
 * One call to the vault: connects, sends, sends again after a transient failure, and maps what is left. The whole of it
 * ends with `signal`, the search for credentials included.
 */
export async function callAzure<T>(
  link: AzureLink,
  call: AzureCall,
  { signal, clock }: { signal: AbortSignal; clock: Clock },
  send: (client: SecretClient) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const work = async (): Promise<T> => {
    const { client, retriesItself } = await link.connect();
    const retries = retriesItself ? 0 : RETRIES;
    return await withRetries(() => send(client), { retries, clock, signal, delayOf: azurePause });
  };
  try {
    return await raceAbort(work(), signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw azureError(error, call);
  }
}
