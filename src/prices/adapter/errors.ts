import type { Fault } from './types.js';
import { PriceApiError, type PriceApiErrorKind } from '../price-api-error.js';

/** Some send the epoch second of a reset, which as a wait is half a century, and more than a timer of Node.js takes. */
const LONGEST_WAIT = 86_400_000;

const SENTENCES: Readonly<Record<PriceApiErrorKind, string>> = {
  'key-rejected': 'refused the API key',
  quota: "says that the key's volume for this period is used up: raise the plan or wait for the next period",
  'rate-limited': 'is throttling: send fewer requests',
  plan: 'says that the plan of this key does not include the request',
  'bad-request': 'refused the request: check the symbols and `baseUrl`',
  implausible: 'answered with a price that cannot be right',
  transient: 'failed for the moment: try again later',
};

/** What an HTTP status means where the body says nothing. */
export function faultOfStatus(status: number): Fault | undefined {
  if (status >= 200 && status < 300) return undefined;
  if (status >= 300 && status < 400) {
    return { kind: 'bad-request', detail: 'a redirect, which is never followed: the key would go along' };
  }
  if (status === 401) return { kind: 'key-rejected' };
  // Not about the key unless the body says so: a plan's limit, a firewall, or a country.
  if (status === 402 || status === 403) return { kind: 'plan' };
  if (status === 429) return { kind: 'rate-limited' };
  if (status === 408 || status === 425 || status >= 500) return { kind: 'transient' };
  return { kind: 'bad-request' };
}

/** The error of a fault. Its message is made of our own words only. */
export function faultError(
  source: string,
  fault: Fault,
  status: number,
  retryAfter: string | undefined,
): PriceApiError {
  const notes = [
    ...(fault.code === undefined ? [] : [`code ${String(fault.code)}`]),
    `HTTP ${String(status)}`,
    ...(fault.detail === undefined ? [] : [fault.detail]),
  ];
  return new PriceApiError(`${source} ${SENTENCES[fault.kind]} (${notes.join(', ')}).`, {
    kind: fault.kind,
    source,
    status,
    retryAfter: fault.kind === 'rate-limited' || fault.kind === 'transient' ? millisecondsIn(retryAfter) : undefined,
  });
}

/** `Retry-After` in ms from now, a day at most: seconds, or an HTTP date. */
function millisecondsIn(retryAfter: string | undefined): number | undefined {
  if (retryAfter === undefined || retryAfter === '') return undefined;
  const seconds = Number(retryAfter);
  const wait = Number.isNaN(seconds) ? Date.parse(retryAfter) - Date.now() : seconds * 1000;
  return Number.isFinite(wait) ? Math.min(LONGEST_WAIT, Math.max(0, Math.ceil(wait))) : undefined;
}

/** The error of a request that got no answer. */
export function networkError(source: string, cause: Error): PriceApiError {
  const code = (cause as { code?: unknown }).code;
  const name = typeof code === 'string' ? code : cause.name;
  // A certificate does not become valid by asking again, and a port without TLS (EPROTO) does not get it.
  const lasting = /^(?:CERT_|ERR_TLS_|ERR_SSL_|EPROTO$|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(name);
  const kind = lasting ? 'bad-request' : 'transient';
  const next = lasting ? 'check `baseUrl` and the certificate' : 'try again later';
  return new PriceApiError(`${source} could not be reached (${name}): ${next}.`, { kind, source, cause });
}
