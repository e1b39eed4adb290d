import type { Fault } from '../adapter/types.js';
import { codeIn, member } from '../values/json-fields.js';
import type { PriceApiErrorKind } from '../price-api-error.js';
import { kindInWords } from '../adapter/error-phrases.js';

// The grammar that metals-api, commodities-api, metalpriceapi and the apilayer services share. Its codes live in the
// body, mostly under HTTP 200, and some look like HTTP statuses: 403 is a bad amount and 501 a missing time frame.

const KINDS: Readonly<Record<number, PriceApiErrorKind>> = {
  101: 'key-rejected',
  102: 'key-rejected',
  104: 'quota',
  105: 'plan',
  // "No results", but also seen when throttled.
  106: 'transient',
};

const DETAILS: Readonly<Record<number, string>> = {
  101: 'the key is missing or invalid',
  102: 'the account is inactive',
  103: 'there is no such endpoint',
  106: 'there are no results',
  201: 'the base currency is not valid',
  202: 'a symbol is not valid',
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

/** The body itself: some vendors wrap it in `data`. */
export function unwrap(body: object): object {
  const data = member(body, 'data');
  return typeof data === 'object' && data !== null ? data : body;
}

/** The fault in a body of this family. */
export function apilayerFault(body: object, status: number): Fault | undefined {
  const inner = unwrap(body);
  const error = member(inner, 'error') ?? member(body, 'error');
  if ((error === undefined || error === null) && member(inner, 'success') !== false) return undefined;
  const code = codeIn(error, 'code') ?? codeIn(error, 'statusCode');
  const type = typeOf(error, 'type') ?? typeOf(error, 'code');
  // 106 stands for two things; where the answer says which, it is believed.
  const throttled = code === 106 && (status === 429 || type === 'rate-limited');
  const byCode = code === undefined || throttled ? undefined : KINDS[code];
  const inWords = code === undefined && status < 500 ? kindInWords(error) : undefined;
  const kind = throttled ? 'rate-limited' : (byCode ?? type ?? inWords);
  if (kind !== undefined) return { kind, code, detail: code === undefined || throttled ? undefined : DETAILS[code] };
  // Any other code is about the request, unless the server itself says that it is failing, throttling or refusing.
  if (status >= 500 || status === 429 || status === 408 || status === 401 || status === 403) return undefined;
  if (code !== undefined) return { kind: 'bad-request', code, detail: DETAILS[code] };
  return status >= 400 ? undefined : { kind: 'bad-request' };
}

function typeOf(error: unknown, name: string): PriceApiErrorKind | undefined {
  const type = member(error, name);
  return typeof type === 'string' && Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
}
