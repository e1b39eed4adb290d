import {
  isGoldKeyError,
  KeyAccessDeniedError,
  KeyProviderError,
  KeyTimeoutError,
  type GoldKeyError,
} from '../../core/index.js';
import { readErrorTexts, VAULT, VaultFailure } from './failures.js';
import type { VaultResponse } from './http.js';

const CAPABILITY: Readonly<Record<string, string>> = {
  GET: '`read`',
  LIST: '`list`',
  POST: '`create` and `update`',
  PUT: '`create` and `update`',
  PATCH: '`patch`',
  DELETE: '`delete`',
};

/** The advice for each status that means more than a failed request. */
const STATUS_ADVICE: ReadonlyMap<number, string> = new Map([
  [400, 'the request is not valid there; check the path, and that the mount is of the expected kind'],
  [405, 'the path does not take this method; check the mount, and that it is of the expected kind'],
  [412, 'the node has not caught up with the cluster yet, which should pass'],
  [429, 'a rate limit is used up; send fewer requests or raise the quota'],
  [472, 'the node is a disaster recovery secondary, which serves no requests; check `address`'],
  [473, 'the node is a performance standby, which does not serve this request; check `address`'],
  [501, 'it has not been initialised'],
]);

/** Returns the public error for any failed request. No message shows a part of the request or of the answer. */
export function toVaultError(error: unknown): GoldKeyError {
  if (isGoldKeyError(error)) return error;
  if (!(error instanceof VaultFailure)) {
    return new KeyProviderError('The request to Vault failed; its error is the `cause`.', {
      cause: error,
      provider: VAULT,
    });
  }
  const { kind, details } = error;
  const type = isAccessDenied(error) ? KeyAccessDeniedError : kind === 'timeout' ? KeyTimeoutError : KeyProviderError;
  return new type(describeFailure(error), { cause: details.cause, retryAfter: details.retryAfter, provider: VAULT });
}

function describeFailure(failure: VaultFailure): string {
  const { kind, request, details } = failure;
  const operation = `${request.operation} (${request.method} ${request.path})`;
  const answered = `Vault answered ${operation} with status ${String(details.status)}`;
  const code = details.code === undefined ? '' : ` (${details.code})`;
  switch (kind) {
    case 'status':
      return `${answered}: ${adviseOnStatus(failure)}.`;
    case 'redirect':
      return `${answered}, a redirect, which is not followed because it would pass the token on; set \`address\` to the active node or the load balancer.`;
    case 'unreadable':
      return details.status === undefined
        ? `The server that answered ${operation} does not speak HTTP; check \`address\`.`
        : `${answered} and a body that is not its JSON; check \`address\`, and whether a proxy is in between.`;
    case 'too-large':
      return `Vault answered ${operation} with a body of over 1 MB, which was not read; check the path and \`address\`.`;
    case 'timeout':
      return `Vault did not answer ${operation} in time${code}; check \`address\`, the network and the load of the server.`;
    case 'certificate':
      return `Vault's TLS certificate was not accepted for ${operation}${code}; check \`caFile\` and the name in \`address\`.`;
    case 'cut':
      return `Vault could not be reached for ${operation}, or cut the connection${code}; check \`address\`, the network and that it is running.`;
  }
}

function adviseOnStatus(failure: VaultFailure): string {
  const { request } = failure;
  const { status = 0, state } = failure.details;
  if (isLoginDenied(failure)) return `check ${String(request.loginOptions)}`;
  if (isAccessDenied(failure)) {
    const capability = request.needs ?? CAPABILITY[request.method] ?? 'the request';
    return `check that the token is still valid, that its policies allow ${capability} on \`${request.path}\`, and \`namespace\``;
  }
  if (state === 'sealed') return 'it is sealed; unseal it';
  if (state === 'standby') return 'the node is a standby and knows of no active one';
  return (
    STATUS_ADVICE.get(status) ?? (status >= 500 ? 'the server failed, which should pass' : 'this was not expected')
  );
}

/** Returns whether Vault denied the request: the token is no longer valid or lacks the permission. Vault says not which. */
export function isAccessDenied(error: unknown): error is VaultFailure {
  return (
    error instanceof VaultFailure && error.kind === 'status' && error.details.status === 403 && !isLoginDenied(error)
  );
}

/** Returns whether Vault denied the credentials of a login. Another try with them would fail too. */
export function isLoginDenied(error: unknown): error is VaultFailure {
  return (
    error instanceof VaultFailure &&
    error.kind === 'status' &&
    error.request.loginOptions !== undefined &&
    [400, 403, 404].includes(error.details.status ?? 0)
  );
}

/** Returns whether another write to KV v2 came first. The status is that of any bad request: only the text tells. */
export function isStaleCas({ status, body }: VaultResponse): boolean {
  return status === 400 && readErrorTexts(body).some((text) => text.includes('check-and-set parameter did not match'));
}
