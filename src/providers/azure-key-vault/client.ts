import type { SecretClient, SecretClientOptions } from '@azure/keyvault-secrets';
import {
  type Clock,
  closedError,
  KeyProviderError,
  KeyTimeoutError,
  raceAbort,
  systemClock,
  withRetries,
} from '../../core/index.js';
import { CredentialScrubber } from '../../util/credential-scrubber.js';
import { withDeadline } from '../../util/deadline.js';
import { packageLoader } from '../../util/load-package.js';
import { memoize } from '../../util/memoize.js';
import { AZURE_KEY_VAULT, computeRetryDelay, recordErrorBody, toAzureError, type AzureCall } from './errors.js';
import type { CheckedAzureOptions } from './options.js';

type Credential = ConstructorParameters<typeof SecretClient>[1];
type Policy = NonNullable<SecretClientOptions['additionalPolicies']>[number]['policy'];

/** A client of one vault that connects at its first call. */
export interface AzureClient {
  /**
   * Connects, sends, sends again after a transient failure, and maps the error that remains. All of it ends with
   * `signal`, the search for credentials included.
   */
  call<T>(
    call: AzureCall,
    limits: { signal: AbortSignal; clock: Clock },
    send: (client: SecretClient) => Promise<T>,
  ): Promise<T>;
  /** Aborts running calls. A later call connects anew. */
  close(): void;
}

/** How long one request may take, its answer's body included, in ms. */
const REQUEST_TIMEOUT_MS = 2_000;
const RETRIES = 2;

const loadSecrets = packageLoader(
  {
    need: 'goldkey/azure-key-vault needs the Azure SDK for Key Vault secrets',
    name: '@azure/keyvault-secrets',
    provider: AZURE_KEY_VAULT,
  },
  () => import('@azure/keyvault-secrets'),
);
const loadIdentity = packageLoader(
  {
    need: 'goldkey/azure-key-vault, given neither `credential` nor `client`, needs the Azure SDK for identities',
    name: '@azure/identity',
    provider: AZURE_KEY_VAULT,
  },
  () => import('@azure/identity'),
);

/** Creates a client; nothing is loaded before its first call. The only place that loads the SDK's packages. */
export function createAzureClient(options: CheckedAzureOptions): AzureClient {
  // The caller's client has its own retries.
  const retries = options.client === undefined ? RETRIES : 0;
  const scrubber = new CredentialScrubber();
  let session = openSession(options, scrubber);
  return {
    async call(call, { signal, clock }, send) {
      signal.throwIfAborted();
      const getDelay = (error: unknown, retried: number): number | undefined =>
        computeRetryDelay(error, retried, clock.now());
      const connectAndSend = async () => {
        const client = await session.connect();
        return await withRetries(() => send(client), { retries, clock, signal, getDelay });
      };
      try {
        return await raceAbort(connectAndSend(), signal);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        throw scrubber.scrub(toAzureError(error, call, clock.now()), options);
      }
    },
    close() {
      session.closing.abort(closedError());
      session = openSession(options, scrubber);
    },
  };
}

function openSession(options: CheckedAzureOptions, scrubber: CredentialScrubber) {
  const closing = new AbortController();
  return { closing, connect: memoize(() => buildClient(options, closing.signal, scrubber)) };
}

async function buildClient(
  options: CheckedAzureOptions,
  closing: AbortSignal,
  scrubber: CredentialScrubber,
): Promise<SecretClient> {
  const { vaultUrl, credential, client } = options;
  if (client !== undefined) return client as SecretClient;
  // The default credential keeps its own retries: the endpoint of a managed identity starts late on a new machine.
  const createCredential = async () => new (await loadIdentity()).DefaultAzureCredential();
  const [sdk, tokens] = await Promise.all([loadSecrets(), credential ?? createCredential()]);
  const isStandIn = vaultUrl.protocol === 'http:';
  return new sdk.SecretClient(vaultUrl.href, tokens as Credential, {
    // Only `call` retries. A redirect is not followed: the token would go along.
    retryOptions: { maxRetries: 0 },
    redirectOptions: { maxRetries: 0 },
    additionalPolicies: [{ policy: createRequestPolicy(vaultUrl, closing, scrubber), position: 'perRetry' }],
    // A stand-in on loopback has no name that ends as the challenge of a real vault does.
    ...(isStandIn ? { allowInsecureConnection: true, disableChallengeResourceVerification: true } : {}),
  });
}

/**
 * Creates the policy that limits every request of a client, further pages of a list included, to which the SDK passes on
 * neither signal nor timeout. It runs after the SDK's authentication, so that the search for credentials is not timed.
 */
function createRequestPolicy(vaultUrl: URL, closing: AbortSignal, scrubber: CredentialScrubber): Policy {
  // By name: an import of `node:https` costs milliseconds.
  const { Agent } = process.getBuiltinModule(vaultUrl.protocol === 'http:' ? 'node:http' : 'node:https');
  const agent = new Agent({ keepAlive: true });
  closing.addEventListener('abort', () => agent.destroy(), { once: true });
  return {
    name: 'goldkeyRequest',
    async sendRequest(request, next) {
      scrubber.remember(request.headers.get('authorization')?.replace(/^Bearer /, ''));
      if (new URL(request.url).origin !== vaultUrl.origin) {
        throw new KeyProviderError(
          'Azure Key Vault named a next page outside the vault; it was not requested, because the token would go along.',
          { provider: AZURE_KEY_VAULT },
        );
      }
      // Only an agent made here can be closed. One that is already set leads through a proxy.
      request.agent ??= agent;
      const limits = {
        ms: REQUEST_TIMEOUT_MS,
        clock: systemClock,
        late() {
          const message = `Azure Key Vault did not answer within ${String(REQUEST_TIMEOUT_MS)} ms; check the network and, behind a firewall, the private endpoint.`;
          return new KeyTimeoutError(message, { provider: AZURE_KEY_VAULT });
        },
        signals: [request.abortSignal as AbortSignal | undefined, closing],
      };
      const answer = await withDeadline(limits, (signal) => {
        request.abortSignal = signal;
        return next(request);
      });
      if (answer.status >= 400) recordErrorBody(request, answer.bodyAsText);
      return answer;
    },
  };
}
