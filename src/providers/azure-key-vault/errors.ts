import {
  isGoldKeyError,
  KeyAccessDeniedError,
  KeyNotFoundError,
  KeyProviderError,
  KeyTimeoutError,
  type GoldKeyError,
} from '../../core/index.js';
import { azureFault, type AzureFault } from './failures.js';

/** The name of Azure Key Vault in errors, events and metrics. */
export const AZURE_KEY_VAULT = 'azure-key-vault';

/** What was asked of the vault, for the error that may come of it. */
export interface AzureCall {
  /** In words, e.g. `the list of versions`. */
  readonly what: string;
  readonly secretName: string;
  /** What the caller needs for it, e.g. `list`. */
  readonly permission: 'get' | 'list' | 'set';
  readonly version?: string | undefined;
}

/** What to look at, by what the vault says beside a 403. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['SecretDisabled', 'the version is disabled'],
  ['ForbiddenByFirewall', "the vault's firewall does not let this address in"],
  ['ForbiddenByConnection', 'the vault is to be reached through its private endpoint only'],
]);

/** One of our errors for whatever came of a call to the vault. No message shows what was sent or what came back. */
export function azureError(error: unknown, call: AzureCall): GoldKeyError {
  if (isGoldKeyError(error)) return error;
  const fault = azureFault(error);
  const { kind, name, code, status, retryAfter } = fault;
  const options = { cause: safeCause(error, fault), retryAfter, provider: AZURE_KEY_VAULT, version: call.version };
  const request = `${call.what} of the secret \`${call.secretName}\``;
  const answered = `Azure Key Vault answered ${request} with status ${String(status)}${code === '' ? '' : ` (${code})`}`;
  switch (kind) {
    case 'refused':
      return new KeyAccessDeniedError(`${answered}: ${adviceOn(fault, call)}.`, options);
    case 'absent':
      return new KeyNotFoundError(
        `${answered}: check \`secretName\` and \`vaultUrl\`, and that it is not deleted.`,
        options,
      );
    case 'credential':
      return new KeyProviderError(
        `There was no token to ask Azure Key Vault with for ${request} (${name}); check the credential: the environment, the managed identity or the login of the Azure CLI.`,
        options,
      );
    case 'token':
      return new KeyProviderError(
        `${answered}: it could not take the token for valid now; check this machine's clock, else it should pass.`,
        options,
      );
    case 'throttling':
      return new KeyProviderError(`${answered}: the vault's limit of requests is used up.`, options);
    case 'transient':
      return new KeyProviderError(`${answered}: the service has a fault, which should pass.`, options);
    case 'timeout':
      return new KeyTimeoutError(`Azure Key Vault did not answer ${request} in time; check the network.`, options);
    case 'socket':
      return new KeyProviderError(
        `Azure Key Vault could not be reached for ${request} (${code}); check \`vaultUrl\`, the network, DNS and the private endpoint.`,
        options,
      );
    case 'certificate':
      return new KeyProviderError(
        `The TLS certificate at \`vaultUrl\` was not accepted for ${request} (${code}); check for a proxy in between.`,
        options,
      );
    case 'unreadable':
      return new KeyProviderError(
        `What answered ${request}${status === 0 ? '' : ` with status ${String(status)}`} does not speak as Azure Key Vault does; check \`vaultUrl\` and for a proxy in between.`,
        options,
      );
    default:
      return new KeyProviderError(
        status === 0
          ? `Azure Key Vault could not be asked for ${request}: ${name}; its error is the \`cause\`.`
          : `${answered}, which was not expected.`,
        options,
      );
  }
}

function adviceOn({ status, inner }: AzureFault, { permission }: AzureCall): string {
  if (status === 401) return 'it does not accept the token; check that the credential is of the tenant of the vault';
  const known = REFUSED.get(inner);
  if (known !== undefined) return known;
  return `check that its access policy, or the role Key Vault Secrets User, allows \`${permission}\` on secrets, and its firewall`;
}

/**
 * The SDK's errors hold the request with its token, and one about a body that could not be read quotes that body, which
 * is the key: only what tells what happened stays. Of a credential's error that is its text, which is made to be read.
 */
function safeCause(error: unknown, { kind, name, code, status }: AzureFault): unknown {
  const { message, request, response, statusCode } = (typeof error === 'object' && error !== null ? error : {}) as {
    readonly [part: string]: unknown;
  };
  const isOpen = kind === 'credential' || kind === 'socket';
  const holds = request !== undefined || response !== undefined || statusCode !== undefined || kind === 'unreadable';
  if (!isOpen && !holds) return error;
  const text = isOpen && typeof message === 'string' ? message : 'Not kept, because it may hold the key or the token.';
  const about = Object.assign(new Error(text), { name });
  return Object.assign(about, code === '' ? {} : { code }, status === 0 ? {} : { statusCode: status });
}
