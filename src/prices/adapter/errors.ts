import { parseRetryAfter, type SecretMatcher } from '../../core/index.js';
import { BodyTooLarge } from '../../http/bounded-body.js';
import { PriceApiError, type PriceApiErrorKind } from '../price-api-error.js';
import { copyRedacted } from './redact-answer.js';

/** An answer that is not a success. */
export interface Failure {
  readonly kind: PriceApiErrorKind;
  /** The vendor's error code, for the message. */
  readonly code?: number | undefined;
  /** Fixed text for the message: a vendor's text may echo the key. */
  readonly detail?: string | undefined;
}

/** A day: some APIs send the epoch second of a reset, which is half a century and more than a Node.js timer takes. */
const MAX_RETRY_AFTER_MS = 86_400_000;

const SENTENCES: Readonly<Record<PriceApiErrorKind, string>> = {
  'key-rejected': 'refused the API key',
  quota: "says that the key's volume for this period is used up: raise the plan or wait for the next period",
  'rate-limited': 'is throttling: send fewer requests',
  plan: 'says that the plan of this key does not include the request',
  'bad-request': 'refused the request: check the symbols and `baseUrl`',
  implausible: 'answered with a price that cannot be right',
  transient: 'failed for the moment: try again later',
};

/** Returns the failure that an HTTP status stands for when the body reports none. */
export function classifyStatus(status: number): Failure | undefined {
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

/** Creates the error of a failure. Its message holds no text of the vendor. */
export function createFailureError(
  source: string,
  { kind, code, detail }: Failure,
  status: number,
  retryAfter: string | undefined,
): PriceApiError {
  const notes = [code === undefined ? [] : `code ${String(code)}`, `HTTP ${String(status)}`, detail ?? []].flat();
  const wait = kind === 'rate-limited' || kind === 'transient' ? parseRetryAfter(retryAfter, Date.now()) : undefined;
  return new PriceApiError(`${source} ${SENTENCES[kind]} (${notes.join(', ')}).`, {
    kind,
    source,
    status,
    retryAfter: wait === undefined ? undefined : Math.min(wait, MAX_RETRY_AFTER_MS),
  });
}

/** Creates the error of a request that got no whole answer. */
export function createNetworkError(source: string, error: unknown, key: SecretMatcher): PriceApiError {
  if (error instanceof BodyTooLarge) {
    const message = `${source} answered with more than \`maxBodySize\` bytes: check \`baseUrl\`.`;
    return new PriceApiError(message, { kind: 'implausible', source });
  }
  const cause = copyRedacted(error, key);
  const { code } = cause as { code?: unknown };
  const name = typeof code === 'string' ? code : cause.name;
  // A retry changes neither a bad certificate nor a port without TLS (EPROTO).
  const isLasting = /^(?:CERT_|ERR_TLS_|ERR_SSL_|EPROTO$|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(name);
  const kind = isLasting ? 'bad-request' : 'transient';
  const advice = isLasting ? 'check `baseUrl` and the certificate' : 'try again later';
  return new PriceApiError(`${source} could not be reached (${name}): ${advice}.`, { kind, source, cause });
}
