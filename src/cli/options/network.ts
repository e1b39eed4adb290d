import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { KeyProviderError } from '../../core/index.js';
import { loadUndici } from '../../http/undici-pool.js';
import { UsageError } from '../errors.js';
import { canPrompt, promptHidden } from '../input/prompt.js';
import type { CliIo } from '../io.js';
import type { CommandOptions } from './command-options.js';

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
  const clientConfig = {
    ...(profile !== undefined && { profile }),
    ...(endpointUrl !== undefined && { endpoint: endpointUrl }),
    ...(proxy !== undefined && { requestHandler: getRequestHandler(proxy) }),
    mfaCodeProvider: getMfaPrompt(io),
  };
  return { region, clientConfig, dangerouslyAllowHttp };
}

type MfaPrompt = (serial: string) => Promise<string>;
const prompts = new WeakMap<CliIo, MfaPrompt>();

/**
 * Returns what the SDK's default credential chain calls for a profile with `mfa_serial`: one function for a command line, so
 * that its stores share a client, and a code is asked for once.
 */
function getMfaPrompt(io: CliIo): MfaPrompt {
  const prompt =
    prompts.get(io) ??
    (async (serial) => {
      if (canPrompt(io)) return promptHidden(io, `MFA code of ${serial}: `);
      // A goldkey error, because a store passes those on unchanged.
      throw new KeyProviderError(`The profile asks for an MFA code of ${serial}: run the command on a terminal.`, {
        retryable: false,
      });
    });
  prompts.set(io, prompt);
  return prompt;
}

/** Throws if no file of the AWS configuration has the profile: the SDK would only find no credentials. */
function checkProfile(given: string | undefined): void {
  // The SDK reads this process's environment, too.
  const { env } = process;
  const profile = given ?? env['AWS_PROFILE'] ?? '';
  if (profile === '') return;
  const folder = join(env['HOME'] ?? homedir(), '.aws');
  const files = [
    env['AWS_CONFIG_FILE'] ?? join(folder, 'config'),
    env['AWS_SHARED_CREDENTIALS_FILE'] ?? join(folder, 'credentials'),
  ];
  if (files.some((file) => existsSync(file) && readProfiles(file).has(profile))) return;
  const source = given === undefined ? 'AWS_PROFILE' : '--profile';
  throw new UsageError(
    `The AWS configuration has no profile of the name in ${source}; list them by \`aws configure list-profiles\`.`,
  );
}

/** Returns the names in the heads of a configuration file's sections: `[name]` or `[profile name]`. */
function readProfiles(file: string): ReadonlySet<string> {
  const heads = readFileSync(file, 'utf8').matchAll(/^\s*\[\s*(?:profile\s+)?["']?([^\]"']+?)["']?\s*\]/gm);
  return new Set([...heads].map(([, name = '']) => name));
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
