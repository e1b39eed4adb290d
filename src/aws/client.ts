import { invalidType, isLoopback, KeyProviderError, describeType, checkOptionalString } from '../core/index.js';
import { bringsRetries, checkClientConfig, isEqual, isPlain, type AwsConfig } from './client-config.js';

/** What a user says about the way to an AWS service. */
export interface AwsLinkOptions {
  /** The AWS Region. Default: what the SDK finds (AWS_REGION, the profile); it is never guessed. */
  region?: string | undefined;
  /**
   * The caller's own SDK client: it keeps its own retries and timeouts and is never closed here. Not together with
   * `clientConfig`; a `region` beside it changes nothing.
   */
  client?: object | undefined;
  /**
   * Configuration for the SDK client built here; clients of equal Region and configuration are shared. Defaults:
   * connection timeout 1 s, request timeout 2 s, and `maxAttempts: 1`, because retries are made here; with a
   * `maxAttempts`, `retryMode` or `retryStrategy` of its own they are the SDK's. An endpoint over plain http must be on
   * loopback.
   */
  clientConfig?: object | undefined;
}

/** A client in use. */
export interface AwsConnection<S, C> {
  sdk: S;
  client: C;
  /** Whether the client repeats a failed request itself. */
  retriesItself: boolean;
}

/** A way to an AWS service that connects when first used. */
export interface AwsLink<S, C> {
  connect(): Promise<AwsConnection<S, C>>;
  close(): Promise<void>;
}

/** One service of AWS, and how its client is made. */
export interface AwsService<S, C> {
  /** In messages, e.g. `AWS KMS`. */
  readonly title: string;
  /** In errors, e.g. `aws-kms`. */
  readonly provider: string;
  /** The client's class, e.g. `KMSClient`. */
  readonly clientType: string;
  /** Loads the SDK's package. */
  load(): Promise<S>;
  build(sdk: S, config: AwsConfig): C;
}

interface SharedClient<C> {
  readonly config: AwsConfig;
  readonly client: C;
  users: number;
}

/** Makes links to one service; clients of equal region and configuration are shared among them. */
export function awsLinks<S, C extends { destroy(): void }>(
  service: AwsService<S, C>,
): (options: AwsLinkOptions) => AwsLink<S, C> {
  const shared: SharedClient<C>[] = [];

  /** Checks the options and keeps a copy; nothing is loaded or built before the first `connect`. */
  return (options) => {
    const region = checkOptionalString('region', options.region);
    const { client, clientConfig } = options;
    if (client !== undefined) {
      if (clientConfig !== undefined) {
        throw invalidType('`client` brings its own configuration; give either it or `clientConfig`.');
      }
      if (typeof (client as { send?: unknown } | null)?.send !== 'function') {
        throw invalidType(`\`client\` must be a ${service.clientType}, got ${describeType(client)}.`);
      }
      return {
        connect: async () => ({ sdk: await service.load(), client: client as C, retriesItself: true }),
        close: () => Promise.resolve(),
      };
    }
    const config = checkClientConfig(clientConfig ?? {}, region, `${service.clientType}Config`);
    const retriesItself = bringsRetries(config);
    let held: Promise<{ sdk: S; entry: SharedClient<C> }> | undefined;
    const acquire = async (): Promise<{ sdk: S; entry: SharedClient<C> }> => {
      const sdk = await service.load();
      let entry = shared.find((other) => isEqual(other.config, config));
      if (entry === undefined) {
        entry = { config, client: buildClient(service, sdk, config), users: 0 };
        shared.push(entry);
      }
      entry.users++;
      return { sdk, entry };
    };
    return {
      async connect() {
        const mine = (held ??= acquire());
        try {
          const { sdk, entry } = await mine;
          return { sdk, client: entry.client, retriesItself };
        } catch (error) {
          if (held === mine) held = undefined;
          throw error;
        }
      },
      async close() {
        const mine = held;
        held = undefined;
        const entry = await mine?.then(
          (got) => got.entry,
          () => undefined,
        );
        if (entry === undefined || --entry.users > 0) return;
        shared.splice(shared.indexOf(entry), 1);
        entry.client.destroy();
      },
    };
  };
}

function buildClient<S, C>(service: AwsService<S, C>, sdk: S, config: AwsConfig): C {
  const { requestHandler, ...rest } = config;
  const client = service.build(sdk, {
    ...rest,
    ...(bringsRetries(config) ? {} : { maxAttempts: 1 }),
    // Without `throwOnRequestTimeout` the SDK would log a hung request and go on waiting for it.
    requestHandler: isPlain(requestHandler ?? {})
      ? { connectionTimeout: 1_000, requestTimeout: 2_000, throwOnRequestTimeout: true, ...(requestHandler as object) }
      : requestHandler,
  });
  refusePlainHttp(service, client);
  return client;
}

type Handler = (args: { readonly request: unknown }) => Promise<unknown>;

/** What is used of a client's middleware, whose types differ from service to service. */
interface WithMiddleware {
  readonly middlewareStack: { add(middleware: (next: Handler) => Handler, options: object): void };
}

/** An endpoint may also come from the environment, a profile or a function: what counts is where a request goes. */
function refusePlainHttp<S, C>({ title, provider }: AwsService<S, C>, client: C): void {
  (client as WithMiddleware).middlewareStack.add(
    (next) => (args) => {
      const { protocol, hostname } = args.request as { protocol?: string; hostname?: string };
      if (protocol === 'http:' && !isLoopback(hostname ?? '')) {
        throw new KeyProviderError(
          `${title} is not called over plain http at \`${hostname ?? ''}\`; use https, or an endpoint on loopback.`,
          { provider, retryable: false },
        );
      }
      return next(args);
    },
    { step: 'finalizeRequest', name: 'goldkeyNoPlainHttp', priority: 'low' },
  );
}
