import { classifyText } from '../adapter/error-phrases.js';
import type { Failure } from '../adapter/types.js';
import type { PriceApiErrorKind } from '../price-api-error.js';
import { readErrorCode, readField } from '../values/json-fields.js';

// The errors that metals-api, commodities-api, metalpriceapi and the apilayer services share. The codes are in the
// body, mostly with HTTP 200, and some look like HTTP statuses: 403 is a bad amount and 501 a missing time frame.

/** Documented codes. Codes without a kind are about the request. */
const CODES: Readonly<Record<number, { kind?: PriceApiErrorKind; detail?: string }>> = {
  101: { kind: 'key-rejected', detail: 'the key is missing or invalid' },
  102: { kind: 'key-rejected', detail: 'the account is inactive' },
  103: { detail: 'there is no such endpoint' },
  104: { kind: 'quota' },
  105: { kind: 'plan' },
  // Documented as "no results", also seen for throttling.
  106: { kind: 'transient', detail: 'there are no results' },
  201: { detail: 'the base currency is not valid' },
  202: { detail: 'a symbol is not valid' },
};

const TYPES: Readonly<Record<string, PriceApiErrorKind>> = {
  missing_access_key: 'key-rejected',
  invalid_access_key: 'key-rejected',
  inactive_user: 'key-rejected',
  usage_limit_reached: 'quota',
  monthly_limit_reached: 'quota',
  function_access_restricted: 'plan',
  https_access_restricted: 'plan',
  rate_limit_reached: 'rate-limited',
};

/** Returns the body itself: some vendors wrap it in `data`. */
export function unwrapBody(body: object): object {
  const data = readField(body, 'data');
  return typeof data === 'object' && data !== null ? data : body;
}

/** Returns the failure in a body of this family. */
export function readApilayerFailure(body: object, status: number): Failure | undefined {
  const inner = unwrapBody(body);
  const error = readField(inner, 'error') ?? readField(body, 'error');
  if ((error === undefined || error === null) && readField(inner, 'success') !== false) return undefined;
  const code = readErrorCode(error, 'code') ?? readErrorCode(error, 'statusCode');
  const typeKind = readType(error, 'type') ?? readType(error, 'code');
  // The status or the type tells the two meanings of 106 apart.
  if (code === 106 && (status === 429 || typeKind === 'rate-limited')) return { kind: 'rate-limited', code };
  const documented = code === undefined ? undefined : CODES[code];
  const textKind = code === undefined && status < 500 ? classifyText(error) : undefined;
  const kind = documented?.kind ?? typeKind ?? textKind;
  if (kind !== undefined) return { kind, code, detail: documented?.detail };
  // These statuses say more than an undocumented code.
  if (status >= 500 || status === 429 || status === 408 || status === 401 || status === 403) return undefined;
  if (code !== undefined) return { kind: 'bad-request', code, detail: documented?.detail };
  return status >= 400 ? undefined : { kind: 'bad-request' };
}

function readType(error: unknown, name: string): PriceApiErrorKind | undefined {
  const type = readField(error, name);
  return typeof type === 'string' && Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
}
