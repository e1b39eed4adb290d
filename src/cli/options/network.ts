import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { loadUndici } from '../../http/undici-pool.js';
import { UsageError } from '../errors.js';
import type { CliIo } from '../io.js';
import { checkProfile } from './aws-profile.js';
import type { CommandOptions } from './command-options.js';
import { findMfaCredentials } from './mfa.js';

// How the commands reach services: by the profile and the address that were given, and through the proxy of the environment.

/** Settings of the connection to a store that takes a Dispatcher of undici. */
export interface Network {
  readonly dispatcher: Dispatcher | undefined;
  readonly dangerouslyAllowHttp: boolean | undefined;
}

/** Settings of the connection to an AWS service. */
export interface AwsSettings {
  readonly region: string | undefined;
  readonly clientConfig: Readonly<Record<string, unknown>>;
  readonly dangerouslyAllowHttp: boolean | undefined;
}

/** How long a proxy may take to connect and to answer, in ms. */
const PROXY_TIMEOUT_MS = 10_000;

export async function openNetwork(io: Pick<CliIo, 'env'>, { dangerouslyAllowHttp }: CommandOptions): Promise<Network> {
  return { dispatcher: await openProxy(io), dangerouslyAllowHttp };
}

/** Returns the settings of an AWS client. They hold only what was given, so that the SDK's defaults apply to the rest. */
export async function buildAwsSettings(io: CliIo, options: CommandOptions): Promise<AwsSettings> {
  const { profile, endpointUrl, region, dangerouslyAllowHttp } = options;
  checkProfile(profile);
  const proxy = await openProxy(io);
  const credentials = findMfaCredentials(io, options);
  const clientConfig = {
    ...(profile !== undefined && { profile }),
    ...(endpointUrl !== undefined && { endpoint: endpointUrl }),
    ...(proxy !== undefined && { requestHandler: getRequestHandler(proxy) }),
    ...(credentials !== undefined && { credentials }),
  };
  return { region, clientConfig, dangerouslyAllowHttp };
}

const proxies = new WeakMap<object, Promise<Dispatcher | undefined>>();

/** Returns the proxy of a command line: one, so that its stores share connections and clients. */
function openProxy(io: Pick<CliIo, 'env'>): Promise<Dispatcher | undefined> {
  const proxy = proxies.get(io) ?? createProxy(io);
  proxies.set(io, proxy);
  return proxy;
}

/** Creates the proxy that HTTPS_PROXY and HTTP_PROXY name, past which NO_PROXY leads; `undefined` where there is none. */
async function createProxy({ env }: Pick<CliIo, 'env'>): Promise<Dispatcher | undefined> {
  const read = (name: string): string => env[name.toLowerCase()] ?? env[name] ?? '';
  const [httpProxy, httpsProxy] = [read('HTTP_PROXY'), read('HTTPS_PROXY')];
  if (httpProxy === '' && httpsProxy === '') return undefined;
  const undici = await loadUndici();
  try {
    return (
      undici &&
      new undici.EnvHttpProxyAgent({
        ...(httpProxy !== '' && { httpProxy }),
        ...(httpsProxy !== '' && { httpsProxy }),
        noProxy: read('NO_PROXY'),
        headersTimeout: PROXY_TIMEOUT_MS,
        bodyTimeout: PROXY_TIMEOUT_MS,
      })
    );
  } catch {
    // Without the parser's error, which quotes the URL: it may hold a password.
    throw new UsageError('HTTPS_PROXY and HTTP_PROXY must be the URL of a proxy, e.g. http://proxy.example:3128.');
  }
}

/** A request of the AWS SDK. */
interface AwsRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number | undefined;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>> | undefined;
  readonly method: Dispatcher.HttpMethod;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer | Readable | null | undefined;
}

const handlers = new WeakMap<Dispatcher, ReturnType<typeof createRequestHandler>>();

/** Returns the request handler of a proxy, for clients of the AWS SDK, whose own handlers know no proxy. */
function getRequestHandler(proxy: Dispatcher): ReturnType<typeof createRequestHandler> {
  const handler = handlers.get(proxy) ?? createRequestHandler(proxy);
  handlers.set(proxy, handler);
  return handler;
}

function createRequestHandler(dispatcher: Dispatcher) {
  return {
    async handle(request: AwsRequest, { abortSignal }: { abortSignal?: AbortSignal | undefined } = {}) {
      const { protocol, hostname, port, path, query, method, headers, body } = request;
      const origin = `${protocol}//${hostname}${port === undefined ? '' : `:${String(port)}`}`;
      const pairs = Object.entries(query ?? {}).flatMap(([name, value]) =>
        [value ?? ''].flat().map((one) => `${encodeURIComponent(name)}=${encodeURIComponent(one)}`),
      );
      const target = pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
      const sent = { origin, path: target, method, headers, body: body ?? null, signal: abortSignal ?? null };
      const answer = await dispatcher.request(sent);
      return { response: { statusCode: answer.statusCode, headers: answer.headers, body: answer.body } };
    },
    updateHttpClientConfig(): void {},
    httpHandlerConfigs: () => ({}),
  };
}
