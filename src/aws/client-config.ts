import { invalidRange, invalidType, isSecureTransport } from '../core/index.js';

/** What is looked at in the configuration of an AWS client; the rest is passed on. */
export interface AwsConfig {
  region?: unknown;
  endpoint?: unknown;
  maxAttempts?: unknown;
  retryMode?: unknown;
  retryStrategy?: unknown;
  requestHandler?: unknown;
}

/** Checks `clientConfig` and copies it, `region` included; `type` is what the SDK calls it. */
export function checkClientConfig(config: object, region: string | undefined, type: string): AwsConfig {
  if (!isPlain(config)) throw invalidType(`\`clientConfig\` must be a plain object, a ${type}.`);
  const copy = copyPlain(config) as AwsConfig;
  if (region !== undefined && typeof copy.region === 'string' && copy.region !== region) {
    throw invalidRange(`\`region\` (${region}) and \`clientConfig.region\` (${copy.region}) must not differ.`);
  }
  if (region !== undefined) copy.region = region;
  const { endpoint } = copy;
  if (typeof endpoint === 'string' || endpoint instanceof URL) {
    const url = URL.canParse(String(endpoint)) ? new URL(String(endpoint)) : undefined;
    if (url === undefined || !isSecureTransport(url)) {
      throw invalidRange('`clientConfig.endpoint` must be an https URL, or an http URL on loopback.');
    }
  }
  return Object.freeze(copy);
}

/** Whether this configuration leaves repeating a request to the SDK. */
export function bringsRetries(config: AwsConfig): boolean {
  return config.maxAttempts !== undefined || config.retryMode !== undefined || config.retryStrategy !== undefined;
}

/** Whether a value is an object literal, rather than an instance with an identity of its own. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Plain objects and arrays are copied, so that the caller's later changes stay the caller's; the rest is shared. */
function copyPlain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyPlain);
  if (!isPlain(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, part]) => (part === undefined ? [] : [[key, copyPlain(part)]])),
  );
}

/** Equal in every plain part; functions and instances must be the same ones. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (a instanceof URL && b instanceof URL) return a.href === b.href;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((part, index) => isEqual(part, b[index]));
  }
  if (!isPlain(a) || !isPlain(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key], b[key]));
}
