import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import {
  send,
  startLoopbackServer,
  type LoopbackRequest,
  type LoopbackServer,
} from '../../src/testing/http/loopback-server.js';

/** What Azure keeps of a version beside its value; times are whole seconds, as in its API. */
export interface VersionAttributes {
  enabled?: boolean;
  nbf?: number;
  exp?: number;
  created?: number;
  contentType?: string;
  kid?: string;
}

/** An answer; `body` is sent as JSON. */
export interface AzureAnswer {
  status: number;
  body?: unknown;
  text?: string;
  headers?: Readonly<Record<string, string>>;
}

/** An answer, or what to do in place of one. */
export type AzureReply = AzureAnswer | ((response: ServerResponse) => void);

/**
 * As much of Azure Key Vault's REST API as reading and setting secrets takes, on loopback: the bearer challenge, secrets with
 * versions, lists in pages, the error bodies. Beside it the token endpoint of a managed identity, as App Service has it.
 */
export interface AzureKeyVault extends AsyncDisposable {
  readonly url: string;
  /** `METHOD path` of every request so far, without the query. */
  readonly requests: string[];
  /** What `DefaultAzureCredential` needs to get a token here, and nowhere else. */
  readonly environment: Readonly<Record<string, string>>;
  /** A credential whose tokens are good here; each call counts. */
  readonly credential: { getToken(): Promise<{ token: string; expiresOnTimestamp: number }>; calls: number };
  readonly token: string;
  /** Adds a version and names it. The value may be anything: what a test makes of it. */
  set(name: string, value: unknown, attributes?: VersionAttributes): string;
  update(name: string, version: string, attributes: VersionAttributes): void;
  /** Without a version, the secret with all of them. */
  remove(name: string, version?: string): void;
  /** Answers these to the next requests that bring a token, the last of them for ever. */
  answer(...replies: readonly AzureReply[]): void;
  /** From now on every read and list is refused, with that inner code. */
  deny(inner: string): void;
  /** Undoes `answer` and `deny`, and forgets the requests; the secrets stay. */
  reset(): void;
  stop(): Promise<void>;
  /** On the same port as before. */
  start(): Promise<void>;
}

interface Version extends VersionAttributes {
  readonly version: string;
  readonly value: unknown;
  readonly order: number;
}

/** An error as Azure Key Vault puts it. */
export function azureFailure(status: number, code: string, message: string, inner?: string): AzureAnswer {
  const innererror = inner === undefined ? {} : { innererror: { code: inner } };
  return { status, body: { error: { code, message, ...innererror } } };
}

/** `pageSize`: versions per page of a list, 25 in Azure. */
export async function startAzureKeyVault({ pageSize = 25 }: { pageSize?: number } = {}): Promise<AzureKeyVault> {
  const secrets = new Map<string, Version[]>();
  const requests: string[] = [];
  const token = `azure-${randomBytes(24).toString('base64url')}`;
  const identitySecret = randomBytes(12).toString('hex');
  let replies: AzureReply[] = [];
  let order = 0;

  const set = (name: string, value: string, attributes: VersionAttributes = {}): string => {
    const version = randomBytes(16).toString('hex');
    const created = Math.floor(Date.now() / 1_000);
    const versions = secrets.get(name) ?? [];
    secrets.set(name, [...versions, { created, ...attributes, version, value, order: order++ }]);
    return version;
  };
  const answer = async (request: LoopbackRequest, response: ServerResponse): Promise<void> => {
    const url = new URL(request.target, server.url);
    requests.push(`${request.method} ${url.pathname}`);
    if (url.pathname === '/msi/token') return reply(response, tokenFor(request, url));
    if (request.headers['authorization']?.[0] !== `Bearer ${token}`) return reply(response, challenge());
    const next = replies.length > 1 ? replies.shift() : replies[0];
    reply(response, next ?? (request.method === 'PUT' ? write(url, request) : read(url)));
  };
  const tokenFor = ({ headers }: LoopbackRequest, url: URL): AzureReply => {
    const known = headers['x-identity-header']?.[0] === identitySecret;
    if (!known || url.searchParams.get('resource') !== 'https://vault.azure.net') return { status: 400, body: {} };
    const expires = String(Math.floor(Date.now() / 1_000) + 3_600);
    return { status: 200, body: { access_token: token, expires_on: expires, token_type: 'Bearer' } };
  };
  const challenge = (): AzureReply => ({
    status: 401,
    body: { error: { code: 'Unauthorized', message: 'AKV10000: Request is missing a Bearer or PoP token.' } },
    headers: {
      'www-authenticate':
        'Bearer authorization="https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000", resource="https://vault.azure.net"',
    },
  });
  const read = (url: URL): AzureReply => {
    const [, collection, name = '', version] = url.pathname.split('/').filter((part, at) => part !== '' || at === 0);
    if (collection !== 'secrets' || !url.searchParams.has('api-version')) {
      return azureFailure(400, 'BadParameter', 'The request is not of the API.');
    }
    const versions = secrets.get(name);
    if (versions === undefined) return notFound(name);
    if (version === 'versions') return page(url, name, versions);
    const found = version === undefined ? latest(versions) : versions.find((one) => one.version === version);
    if (found === undefined) return notFound(`${name}/${String(version)}`);
    if (found.enabled === false) {
      return azureFailure(403, 'Forbidden', 'Operation get is not allowed on a disabled secret.', 'SecretDisabled');
    }
    return { status: 200, body: { value: found.value, ...about(name, found) } };
  };
  const write = (url: URL, { body }: LoopbackRequest): AzureReply => {
    const name = url.pathname.split('/')[2] ?? '';
    const { value } = JSON.parse(body.toString()) as { value: string };
    const made = set(name, value);
    const version = secrets.get(name)?.find((one) => one.version === made);
    return version === undefined ? notFound(name) : { status: 200, body: { value, ...about(name, version) } };
  };
  const notFound = (id: string): AzureReply =>
    azureFailure(404, 'SecretNotFound', `A secret with (name/id) ${id} was not found in this key vault.`);
  /** By their names, which are random: the order of a list says nothing about age. */
  const page = (url: URL, name: string, versions: readonly Version[]): AzureReply => {
    const skip = Number(url.searchParams.get('$skiptoken') ?? 0);
    const sorted = versions.toSorted((a, b) => (a.version < b.version ? -1 : 1));
    const value = sorted.slice(skip, skip + pageSize).map((one) => about(name, one));
    url.searchParams.set('$skiptoken', String(skip + pageSize));
    return { status: 200, body: { value, nextLink: skip + pageSize < sorted.length ? url.href : null } };
  };
  const about = (name: string, { version, enabled = true, nbf, exp, created, contentType, kid }: Version): object => ({
    id: `https://gold.vault.azure.net/secrets/${name}/${version}`,
    attributes: { enabled, nbf, exp, created, updated: created, recoveryLevel: 'Recoverable+Purgeable' },
    contentType,
    kid,
  });

  let server: LoopbackServer = await startLoopbackServer(0, answer);
  const { url } = server;
  const credential = {
    calls: 0,
    getToken() {
      credential.calls++;
      return Promise.resolve({ token, expiresOnTimestamp: Date.now() + 3_600_000 });
    },
  };
  return {
    url,
    requests,
    token,
    credential,
    environment: {
      AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential',
      IDENTITY_ENDPOINT: `${url}/msi/token`,
      IDENTITY_HEADER: identitySecret,
    },
    set,
    update(name, version, attributes) {
      const versions = secrets.get(name) ?? [];
      const changed = versions.map((one) => (one.version === version ? { ...one, ...attributes } : one));
      secrets.set(name, changed);
    },
    remove(name, version) {
      const left = version === undefined ? [] : (secrets.get(name) ?? []).filter((one) => one.version !== version);
      if (left.length === 0) secrets.delete(name);
      else secrets.set(name, left);
    },
    answer: (...next) => void (replies = [...next]),
    deny: (inner) => void (replies = [azureFailure(403, 'Forbidden', 'Caller is not authorized.', inner)]),
    reset() {
      replies = [];
      requests.length = 0;
    },
    stop: () => server.close(),
    async start() {
      server = await startLoopbackServer(Number(new URL(url).port), answer);
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

function latest(versions: readonly Version[]): Version | undefined {
  return versions.toSorted((a, b) => (b.created ?? 0) - (a.created ?? 0) || b.order - a.order)[0];
}

function reply(response: ServerResponse, what: AzureReply): void {
  if (typeof what === 'function') return what(response);
  const { status, body, text, headers = {} } = what;
  const type = { 'content-type': 'application/json; charset=utf-8' };
  send(response, status, { ...type, ...headers }, text ?? (body === undefined ? '' : JSON.stringify(body)));
}
