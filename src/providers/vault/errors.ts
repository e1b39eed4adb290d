import {
  isGoldKeyError,
  KeyAccessDeniedError,
  KeyProviderError,
  KeyTimeoutError,
  type GoldKeyError,
  type GoldKeyErrorOptions,
} from '../../core/index.js';
import { VAULT, vaultErrors, VaultFault } from './failures.js';
import type { VaultAnswer } from './http.js';

const CAPABILITY: Readonly<Record<string, string>> = {
  GET: '`read`',
  LIST: '`list`',
  POST: '`create` and `update`',
  PUT: '`create` and `update`',
  PATCH: '`patch`',
  DELETE: '`delete`',
};

/** What to look at, for each status that says more than that it failed. */
const ADVICE: ReadonlyMap<number, string> = new Map([
  [400, 'it refused what was sent; check the path, and that the mount is of the kind expected'],
  [405, 'the path does not take this method; check the mount, and that it is of the kind expected'],
  [412, 'the node has not caught up with the cluster yet, which should pass'],
  [429, 'a rate limit is used up; send fewer requests or raise the quota'],
  [472, 'the node is a secondary for disaster recovery, which serves nothing; check `address`'],
  [473, 'the node is a performance standby, which does not serve this; check `address`'],
  [501, 'it has not been initialised'],
]);

/** One of our errors for whatever came of a request to Vault. No message shows what was sent or what came back. */
export function vaultError(error: unknown): GoldKeyError {
  if (isGoldKeyError(error)) return error;
  if (!(error instanceof VaultFault)) {
    return new KeyProviderError('The request to Vault failed; its error is the `cause`.', {
      cause: error,
      provider: VAULT,
    });
  }
  const { kind, call, status, code, retryAfter, cause } = error;
  const options: GoldKeyErrorOptions = { cause, retryAfter, provider: VAULT };
  const request = `${call.what} (${call.method} ${call.path})`;
  const answered = `Vault answered ${request} with status ${String(status)}`;
  const reached = code === '' ? '' : ` (${code})`;
  switch (kind) {
    case 'status':
      return statusError(error, answered, options);
    case 'redirect':
      return new KeyProviderError(
        `${answered}, a redirect, which is not followed because the token would go along: give the active node or the load balancer as \`address\`.`,
        options,
      );
    case 'unreadable':
      return new KeyProviderError(
        status === 0
          ? `What answered ${request} does not speak HTTP; check \`address\`.`
          : `${answered} and a body that is not its JSON; check \`address\` and for a proxy in between.`,
        options,
      );
    case 'too-large':
      return new KeyProviderError(
        `Vault answered ${request} with a body of over 1 MB, which was not read; check the path and \`address\`.`,
        options,
      );
    case 'timeout':
      return new KeyTimeoutError(
        `Vault did not answer ${request} in time${reached}; check \`address\`, the network and the load of the server.`,
        options,
      );
    case 'certificate':
      return new KeyProviderError(
        `Vault's TLS certificate was not accepted for ${request}${reached}; check \`caFile\` and the name in \`address\`.`,
        options,
      );
    default:
      return new KeyProviderError(
        `Vault could not be reached for ${request}, or cut the connection${reached}; check \`address\`, the network and that it is running.`,
        options,
      );
  }
}

function statusError(fault: VaultFault, answered: string, options: GoldKeyErrorOptions): GoldKeyError {
  const { call, status, state } = fault;
  if (isRefusedLogin(fault)) return new KeyProviderError(`${answered}: check ${String(call.login)}.`, options);
  if (isRefusal(fault)) {
    const needed = call.needs ?? CAPABILITY[call.method] ?? 'it';
    return new KeyAccessDeniedError(
      `${answered}: check that the token is still valid, that its policies allow ${needed} on \`${call.path}\`, and \`namespace\`.`,
      options,
    );
  }
  if (state === 'sealed') return new KeyProviderError(`${answered}: it is sealed; unseal it.`, options);
  if (state === 'standby') {
    return new KeyProviderError(`${answered}: the node is a standby and knows of no active one.`, options);
  }
  const advice = ADVICE.get(status) ?? (status >= 500 ? 'it has a fault, which should pass' : 'this was not expected');
  return new KeyProviderError(`${answered}: ${advice}.`, options);
}

/** Whether Vault refused the token: it is no longer valid, or may not do this, which Vault does not tell apart. */
export function isRefusal(error: unknown): boolean {
  return error instanceof VaultFault && error.kind === 'status' && error.status === 403;
}

/** Whether Vault knows nothing of these credentials: another try with them would fail as well. */
export function isRefusedLogin(error: unknown): error is VaultFault {
  return (
    error instanceof VaultFault &&
    error.kind === 'status' &&
    error.call.login !== undefined &&
    [400, 403, 404].includes(error.status)
  );
}

/** Whether a write to KV v2 lost against another one. Its status is that of any bad request: only the text tells. */
export function isStaleCas({ status, body }: VaultAnswer): boolean {
  return status === 400 && vaultErrors(body).some((text) => text.includes('check-and-set parameter did not match'));
}
