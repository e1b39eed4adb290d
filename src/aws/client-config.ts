import { invalidRange, invalidType, isPlainObject, isSecureTransport } from '../core/index.js';
import { readVariable } from './environment.js';

/** The fields of an SDK client's configuration that are looked at; all others are passed on. */
export type AwsConfig = Partial<
  Record<'region' | 'endpoint' | 'maxAttempts' | 'retryMode' | 'retryStrategy' | 'requestHandler', unknown>
>;

/**
 * Checks `clientConfig` and copies it, `region` included. `type` is the SDK's name for it, e.g. `KMSClientConfig`;
 * `allowHttp` lets its endpoint be a plain http URL of any host.
 */
export function checkClientConfig(
  config: object,
  region: string | undefined,
  type: string,
  allowHttp = false,
): AwsConfig {
  if (!isPlainObject(config)) throw invalidType(`\`clientConfig\` must be a plain object, a ${type}.`);
  const copy = copyPlain(config) as AwsConfig;
  if (region !== undefined && typeof copy.region === 'string' && copy.region !== region) {
    throw invalidRange('`region` and `clientConfig.region` must not differ.');
  }
  if (region !== undefined) copy.region = region;
  const { endpoint } = copy;
  if (typeof endpoint === 'string' || isUrl(endpoint))
    checkEndpoint('clientConfig.endpoint', String(endpoint), allowHttp);
  return Object.freeze(copy);
}

/** What a URL must be that credentials and keys are sent to, in messages. */
export const ENDPOINT_RULE = 'must be an https URL (an http URL only on loopback, or with `dangerouslyAllowHttp`)';

/** Parses the URL of an endpoint that is given as option `name`, and throws unless it may be used. */
export function checkEndpoint(name: string, text: string, allowHttp: boolean): URL {
  const url = parseEndpoint(text, allowHttp);
  if (url !== undefined) return url;
  throw invalidRange(`\`${name}\` ${ENDPOINT_RULE}.`);
}

/** Parses the URL of an endpoint. Returns `undefined` unless it is https, or http on loopback or allowed. */
export function parseEndpoint(text: string, allowHttp = false): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) return undefined;
  return isSecureTransport(url) || (allowHttp && url.protocol === 'http:') ? url : undefined;
}

/** Returns the endpoint that the environment gives STS: `isGiven` without `endpoint` means that it may not be used. */
export function readStsEndpoint(allowHttp: boolean | undefined): { isGiven: boolean; endpoint: URL | undefined } {
  const given = readVariable('AWS_ENDPOINT_URL_STS') ?? readVariable('AWS_ENDPOINT_URL');
  return { isGiven: given !== undefined, endpoint: given === undefined ? undefined : parseEndpoint(given, allowHttp) };
}

/** Returns whether this configuration leaves retries to the SDK. */
export function bringsRetries(config: AwsConfig): boolean {
  return config.maxAttempts !== undefined || config.retryMode !== undefined || config.retryStrategy !== undefined;
}

/** Returns whether a value is a URL, also one of another realm. */
function isUrl(value: unknown): value is URL {
  return Object.prototype.toString.call(value) === '[object URL]';
}

/** Copies plain objects and arrays, so that the caller's later changes have no effect. All other values are shared. */
function copyPlain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyPlain);
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, part]) => (part === undefined ? [] : [[key, copyPlain(part)]])),
  );
}

/** Returns whether two configurations are equal. Functions and instances must be identical. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (isUrl(a) && isUrl(b)) return a.href === b.href;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((part, index) => isEqual(part, b[index]));
  }
  if (!isPlainObject(a) || !isPlainObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key], b[key]));
}
