import { tryOrUndefined } from '../core/index.js';
import { RecentCredentials } from './recent-credentials.js';

/** Variables in which the stores' own clients look for credentials. */
const VARIABLES = [
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN',
  'AZURE_CLIENT_SECRET',
  'AZURE_CLIENT_CERTIFICATE_PASSWORD',
  'AZURE_PASSWORD',
  'IDENTITY_HEADER',
  'VAULT_TOKEN',
];
const MAX_DEPTH = 8;
const MAX_OBJECTS = 2_000;
const MAX_TEXT = 65_536;
const MIN_LENGTH = 8;

/** The end of a property's name that tells of a credential, without punctuation. */
const TELLING =
  /(?:password|passwd|passphrase|secretaccesskey|clientsecret|token|authorization|assertion|privatekey|jwt|signature|cookie)$/;
/** The forms in which a request's text, a body or a URL shows a credential whose value is not known otherwise. */
const IN_TEXT: readonly RegExp[] = [
  /\b(?:Bearer|Basic)\s+([\w+/=.~-]{8,})/gi,
  /\bSignature=([\da-f]{64})\b/gi,
  /(?:pass(?:word|wd|phrase)|secret_?access_?key|secret_id)\\*["']?\s*[:=]\s*\\*["']?((?!AWS4-)[^\s"'&,;<>()\\]{8,})/gi,
  /(?:client|access|session|security|vault|refresh|id)[-_]?(?:secret|token)\\*["']?\s*[:=]\s*\\*["']?((?!AWS4-)[^\s"'&,;<>()\\]{8,})/gi,
  /(?:assertion|authorization|\bjwt)\\*["']?\s*[:=]\s*\\*["']?((?!AWS4-)[^\s"'&,;<>()\\]{8,})/gi,
];

/** Removes the credentials of one connection from the errors of the packages, servers and functions that it uses. */
export class CredentialScrubber {
  readonly #recent = new RecentCredentials();

  /** Recognises these credentials from now on. */
  remember(...credentials: readonly unknown[]): void {
    this.#recent.remember(...credentials);
  }

  /**
   * Returns the error without credentials, its causes included, in every usual form: those that were in use, those of the
   * environment, and those that the error's own properties and texts tell to be such. `config` is the caller's
   * configuration, whose credentials are recognised by the names of their properties.
   */
  scrub<E>(error: E, config?: unknown): E {
    const found = new Set<string>();
    for (const name of VARIABLES) addCredential(process.env[name]?.trim(), found);
    collectCredentials(config, false, found);
    collectCredentials(error, true, found);
    // The engine keeps the subject of the last match, which held a credential.
    /^/.exec('');
    return this.#recent.scrub(error, found);
  }
}

/** Adds what lies below telling names and, with `readsTexts`, what texts show. Calls no getter. */
function collectCredentials(root: unknown, readsTexts: boolean, found: Set<string>): void {
  const seen = new Set<object>();
  const visit = (value: unknown, name: string, depth: number): void => {
    if (typeof value === 'string') {
      if (TELLING.test(name)) addCredential(value, found);
      if (readsTexts || TELLING.test(name)) readText(value, found);
      return;
    }
    if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return;
    if (seen.has(value) || seen.size >= MAX_OBJECTS) return;
    seen.add(value);
    if (Array.isArray(value) && TELLING.test(name)) return value.forEach((item) => visit(item, name, depth + 1));
    for (const [key, item] of tryOrUndefined(() => listEntries(value)) ?? [])
      visit(item, simplifyName(key, name), depth + 1);
  };
  visit(root, '', 0);
}

/** Returns the first own values of an object, and pairs of a Map or of Headers. */
function listEntries(value: object): Array<[key: unknown, item: unknown]> {
  const keys = Object.getOwnPropertyNames(value).slice(0, MAX_OBJECTS);
  const isMap = value instanceof Map || value instanceof Headers;
  const pairs = isMap ? ([...value] as Array<[unknown, unknown]>) : [];
  return [
    ...keys.map((key) => [key, Reflect.getOwnPropertyDescriptor(value, key)?.value] as [unknown, unknown]),
    ...pairs.slice(0, MAX_OBJECTS),
  ];
}

/** Returns a name in small letters and digits. A pair `{ name, value }`, as some lists of headers hold, has its holder's. */
function simplifyName(key: unknown, holder: string): string {
  return key === 'value'
    ? holder
    : String(key)
        .toLowerCase()
        .replace(/[^a-z\d]/g, '');
}

function readText(text: string, found: Set<string>): void {
  const searched = text.slice(0, MAX_TEXT);
  for (const form of IN_TEXT) for (const [, credential] of searched.matchAll(form)) addCredential(credential, found);
}

function addCredential(credential: string | undefined, found: Set<string>): void {
  if (credential === undefined || credential.length < MIN_LENGTH) return;
  found.add(credential);
  const decoded = credential.includes('%') ? tryOrUndefined(() => decodeURIComponent(credential)) : undefined;
  if (decoded !== undefined) found.add(decoded);
}
