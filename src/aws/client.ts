import { checkOptionalString, describeType, invalidType, isLoopback, KeyProviderError } from '../core/index.js';
import { memoize } from '../util/memoize.js';
import { callAws, type AwsCallOptions } from './call.js';
import { bringsRetries, checkClientConfig, isEqual, isPlain, type AwsConfig } from './client-config.js';
import { toAwsError, type AwsCall, type AwsErrorMap } from './errors.js';

/** Options for the connection to an AWS service. */
export interface AwsConnectionOptions {
  /** The AWS Region. Default: the one that the SDK finds (`AWS_REGION`, the profile); it is never guessed. */
  region?: string | undefined;
  /**
   * The caller's client of the AWS SDK, e.g. a `KMSClient`. It keeps its own retries and timeouts and is never closed
   * here. Not together with `clientConfig`; a `region` beside it changes nothing.
   */
  client?: object | undefined;
  /**
   * Configuration of the SDK's client, e.g. a `KMSClientConfig`; clients of equal Region and configuration are shared.
   * Defaults: connection timeout 1 s, request timeout 2 s, and `maxAttempts: 1`, because retries are made here; with
   * `maxAttempts`, `retryMode` or `retryStrategy` the SDK makes them. A plain http endpoint must be on loopback.
   */
  clientConfig?: object | undefined;
}

/** Sends one command with the SDK and its client. */
export type AwsSend<S, C, T> = (sdk: S, client: C, options: { abortSignal?: AbortSignal }) => Promise<T>;

/** A connection to an AWS service. It loads the SDK and builds the client when first used, also again after `close`. */
export interface AwsConnection<S, C, K extends AwsCall> {
  /**
   * Sends a command, again after a transient failure.
   *
   * @throws {GoldKeyError} the failure, explained in terms of `call`
   */
  call<T>(call: K, send: AwsSend<S, C, T>, options?: AwsCallOptions<T>): Promise<T>;
  /** Releases the client; it is destroyed with its last user. */
  close(): Promise<void>;
}

/** Connects to one AWS service. Checks and copies the options, and loads nothing. */
export type AwsService<S, C, K extends AwsCall> = (options: AwsConnectionOptions) => AwsConnection<S, C, K>;

/** The parts that differ from service to service. */
export interface AwsServiceDefinition<S, C, K extends AwsCall> {
  /** The error for each failure. */
  readonly errors: AwsErrorMap<K>;
  /** The client's class, e.g. `KMSClient`. */
  readonly clientType: string;
  /** Loads the SDK's package. Each service's file does so itself, so that bundlers see the package's name. */
  load(): Promise<S>;
  /** Builds a client. */
  createClient(sdk: S, config: AwsConfig): C;
}

interface SharedClient<S, C> {
  readonly sdk: S;
  readonly client: C;
  readonly config: AwsConfig;
  users: number;
}

/** Returns the function that connects to a service; its connections share clients of equal Region and configuration. */
export function awsService<S, C extends { destroy(): void }, K extends AwsCall>(
  service: AwsServiceDefinition<S, C, K>,
): AwsService<S, C, K> {
  const { errors, clientType } = service;
  const shared: SharedClient<S, C>[] = [];

  const acquire = async (config: AwsConfig): Promise<SharedClient<S, C>> => {
    const sdk = await service.load();
    let entry = shared.find((other) => isEqual(other.config, config));
    if (entry === undefined) {
      entry = { sdk, client: createClient(service, sdk, config), config, users: 0 };
      shared.push(entry);
    }
    entry.users++;
    return entry;
  };
  const release = (entry: SharedClient<S, C>): void => {
    if (--entry.users > 0) return;
    shared.splice(shared.indexOf(entry), 1);
    entry.client.destroy();
  };
  const connect = (
    open: () => Promise<{ readonly sdk: S; readonly client: C }>,
    retriesItself: boolean,
    close: () => Promise<void>,
  ): AwsConnection<S, C, K> => ({
    call(call, send, options = {}) {
      const { signal } = options;
      const http = signal === undefined ? {} : { abortSignal: signal };
      return callAws(
        async () => {
          const { sdk, client } = await open();
          return await send(sdk, client, http);
        },
        (error) => toAwsError(error, call, errors),
        options,
        retriesItself,
      );
    },
    close,
  });

  return (options) => {
    const region = checkOptionalString('region', options.region);
    const { client, clientConfig } = options;
    if (client !== undefined) {
      if (clientConfig !== undefined) {
        throw invalidType('`client` brings its own configuration; give either it or `clientConfig`.');
      }
      if (typeof (client as { send?: unknown } | null)?.send !== 'function') {
        throw invalidType(`\`client\` must be a ${clientType}, got ${describeType(client)}.`);
      }
      const open = async (): Promise<{ sdk: S; client: C }> => ({ sdk: await service.load(), client: client as C });
      return connect(open, true, () => Promise.resolve());
    }
    const config = checkClientConfig(clientConfig ?? {}, region, `${clientType}Config`);
    const open = memoize(() => acquire(config));
    return connect(open, bringsRetries(config), async () => {
      const entry = await open.forget()?.catch(() => undefined);
      if (entry !== undefined) release(entry);
    });
  };
}

function createClient<S, C, K extends AwsCall>(service: AwsServiceDefinition<S, C, K>, sdk: S, config: AwsConfig): C {
  const { requestHandler, ...rest } = config;
  const client = service.createClient(sdk, {
    ...rest,
    ...(bringsRetries(config) ? {} : { maxAttempts: 1 }),
    // Without `throwOnRequestTimeout` the SDK would log a hung request and go on waiting for it.
    requestHandler: isPlain(requestHandler ?? {})
      ? { connectionTimeout: 1_000, requestTimeout: 2_000, throwOnRequestTimeout: true, ...(requestHandler as object) }
      : requestHandler,
  });
  forbidPlainHttp(service.errors, client);
  return client;
}

type Handler = (args: { readonly request: unknown }) => Promise<unknown>;

/** The part of a client's middleware that is used; its types differ from service to service. */
interface WithMiddleware {
  readonly middlewareStack: { add(middleware: (next: Handler) => Handler, options: object): void };
}

/** Checks each request: an endpoint may also come from the environment, a profile or a function. */
function forbidPlainHttp({ text, provider }: { text: { service: string }; provider: string }, client: unknown): void {
  (client as WithMiddleware).middlewareStack.add(
    (next) => (args) => {
      const { protocol, hostname = '' } = args.request as { protocol?: string; hostname?: string };
      if (protocol === 'http:' && !isLoopback(hostname)) {
        throw new KeyProviderError(
          `${text.service} is not called over plain http at \`${hostname}\`; use https, or an endpoint on loopback.`,
          { provider, retryable: false },
        );
      }
      return next(args);
    },
    { step: 'finalizeRequest', name: 'goldkeyNoPlainHttp', priority: 'low' },
  );
}
