import {
  checkBoolean,
  checkOptionalString,
  describeType,
  invalidType,
  isLoopback,
  isPlainObject,
  KeyProviderError,
} from '../core/index.js';
import { closeInTime } from '../util/close-all.js';
import { CredentialScrubber } from '../util/credential-scrubber.js';
import { memoize } from '../util/memoize.js';
import { callAws, type AwsCallOptions } from './call.js';
import { bringsRetries, checkClientConfig, isEqual, type AwsConfig } from './client-config.js';
import { toAwsError, type AwsCall, type AwsErrorMap } from './errors.js';
import { needsFreshCredentials } from './failures.js';

/**
 * Options for the connection to an AWS service. The first load loads the service's package of the AWS SDK (an optional
 * peer dependency: install it beside goldkey) and makes the client. A transient failure is retried twice within
 * `keyTimeout`, after about 100 ms, or 1 s if throttled.
 *
 * A client whose credentials AWS refused is dropped: the next load makes another, which looks for credentials again, also in
 * the files of profiles and at a container's endpoint.
 *
 * Every store on them throws, at once, a `TypeError` for an option that is unknown or has the wrong type and a
 * `RangeError` for an endpoint over plain http (both `ERR_INVALID_ARG_VALUE`). A load rejects with
 * - a `KeyProviderError` (`ERR_GOLDKEY_PROVIDER`, retryable) for throttling, a failure of the service or the network, or
 *   wrong credentials, clock or Region,
 * - a `KeyTimeoutError` (`ERR_GOLDKEY_KEY_TIMEOUT`, retryable) if no answer came within 2 s, three times in a row,
 * - a `MissingPackageError` (`ERR_GOLDKEY_MISSING_PACKAGE`) if the package is not installed.
 */
export interface AwsConnectionOptions {
  /** The AWS Region. Default: the one that the SDK finds (`AWS_REGION`, the profile); it is never guessed. */
  region?: string | undefined;
  /**
   * The caller's client of the AWS SDK, e.g. a `KMSClient`. It keeps its own retries and timeouts and is never closed
   * or replaced here. Not together with `clientConfig`; a `region` beside it changes nothing.
   */
  client?: object | undefined;
  /**
   * Configuration of the SDK's client, e.g. a `KMSClientConfig`; clients of equal Region and configuration are shared.
   * Defaults: connection timeout 1 s, request timeout 2 s, and `maxAttempts: 1`, because retries are made here; with
   * `maxAttempts`, `retryMode` or `retryStrategy` the SDK makes them. A plain http endpoint must be on loopback.
   */
  clientConfig?: object | undefined;
  /**
   * Allows an endpoint over plain http on any host, e.g. that of LocalStack in a compose file; it shows every request to
   * the network. Default: false.
   */
  dangerouslyAllowHttp?: boolean | undefined;
}

/** A connection to an AWS service. It loads the SDK and builds the client when first used, also again after `close`. */
export interface AwsConnection<S, C, K extends AwsCall> {
  /**
   * Sends a command with the SDK and its client, again after a transient failure.
   *
   * @throws {GoldKeyError} the failure, explained in terms of `call`
   */
  call<T>(
    call: K,
    send: (sdk: S, client: C, http: { abortSignal?: AbortSignal }) => Promise<T>,
    options?: AwsCallOptions<T>,
  ): Promise<T>;
  /** Releases the client; it is destroyed with its last user. */
  close(): Promise<void>;
}

/** The names of {@link AwsConnectionOptions}. */
export const AWS_CONNECTION_OPTIONS: readonly string[] = ['region', 'client', 'clientConfig', 'dangerouslyAllowHttp'];

/** Connects to one AWS service. Checks and copies the options, and loads nothing. */
export type AwsService<S, C, K extends AwsCall> = (options: AwsConnectionOptions) => AwsConnection<S, C, K>;

/** Returns the function that connects to a service; its connections share clients of equal Region and configuration. */
export function awsService<S, C extends { destroy?(): void }, K extends AwsCall>(service: {
  readonly errors: AwsErrorMap<K>;
  /** The client's class, e.g. `KMSClient`. */
  readonly clientType: string;
  /** Loads the SDK's package. Each service's file does so itself, so that bundlers see the package's name. */
  readonly load: () => Promise<S>;
  readonly createClient: (sdk: S, config: AwsConfig) => C;
}): AwsService<S, C, K> {
  const { errors, clientType, load, createClient } = service;
  type SharedClient = { readonly client: C; readonly config: AwsConfig; readonly allowHttp: boolean; users: number };
  const scrubber = new CredentialScrubber();
  const shared = new Set<SharedClient>();
  let wasRefused = false;
  const acquire = (sdk: S, config: AwsConfig, allowHttp: boolean): SharedClient => {
    let entry = [...shared].find((other) => other.allowHttp === allowHttp && isEqual(other.config, config));
    if (entry === undefined) {
      // The SDK keeps the content of the configuration files; they are read again after a refusal.
      const client = createClient(sdk, { ...addDefaults(config), ...(wasRefused && { ignoreCache: true }) });
      watchRequests(errors, client, scrubber, allowHttp);
      entry = { client, config, allowHttp, users: 0 };
      shared.add(entry);
    }
    entry.users++;
    return entry;
  };
  const release = (entry: SharedClient): void => {
    if (--entry.users > 0) return;
    shared.delete(entry);
    entry.client.destroy?.();
  };

  return ({ region: givenRegion, client: given, clientConfig, dangerouslyAllowHttp }) => {
    const region = checkOptionalString('region', givenRegion);
    const allowHttp = checkBoolean('dangerouslyAllowHttp', dangerouslyAllowHttp);
    if (given !== undefined && clientConfig !== undefined) {
      throw invalidType('`client` brings its own configuration; give either it or `clientConfig`.');
    }
    if (given !== undefined && typeof (given as { send?: unknown } | null)?.send !== 'function') {
      throw invalidType(`\`client\` must be a ${clientType}, got ${describeType(given)}.`);
    }
    const config = checkClientConfig(clientConfig ?? {}, region, `${clientType}Config`, allowHttp);
    const open = memoize(async () => {
      const sdk = await load();
      const entry = given === undefined ? acquire(sdk, config, allowHttp) : undefined;
      return { sdk, entry, client: entry?.client ?? (given as C) };
    });
    /** Opens a client, a new one if another connection has dropped the shared one. */
    const openCurrent = async (): ReturnType<typeof open> => {
      const opening = open();
      const opened = await opening;
      if (opened.entry === undefined || shared.has(opened.entry)) return opened;
      if (open.forget(opening) !== undefined) release(opened.entry);
      return openCurrent();
    };
    return {
      call(call, send, options = {}) {
        const { signal } = options;
        return callAws(
          async () => {
            const { sdk, client, entry } = await openCurrent();
            // Its calls in flight use a client that is dropped meanwhile.
            if (entry !== undefined) entry.users++;
            try {
              return await send(sdk, client, signal === undefined ? {} : { abortSignal: signal });
            } catch (error) {
              if (entry !== undefined && needsFreshCredentials(error)) {
                shared.delete(entry);
                wasRefused = true;
              }
              throw error;
            } finally {
              if (entry !== undefined) release(entry);
            }
          },
          (error) => scrubber.scrub(toAwsError(error, call, errors), config),
          options,
          given !== undefined || bringsRetries(config),
        );
      },
      async close() {
        const opened = open.forget();
        await closeInTime(async () => {
          const entry = (await opened?.catch(() => undefined))?.entry;
          if (entry !== undefined) release(entry);
        });
      },
    };
  };
}

function addDefaults({ requestHandler, ...rest }: AwsConfig): AwsConfig {
  return {
    ...rest,
    ...(bringsRetries(rest) ? {} : { maxAttempts: 1 }),
    // Without `throwOnRequestTimeout` the SDK would log a hung request and go on waiting for it.
    requestHandler: isPlainObject(requestHandler ?? {})
      ? { connectionTimeout: 1_000, requestTimeout: 2_000, throwOnRequestTimeout: true, ...(requestHandler as object) }
      : requestHandler,
  };
}

type Handler = (args: { readonly request: unknown }) => Promise<unknown>;

/** The part of a request's context that holds the credentials it was signed with. */
interface SigningContext {
  readonly __smithy_context?: {
    readonly selectedHttpAuthScheme?: { readonly identity?: { secretAccessKey?: unknown; sessionToken?: unknown } };
  };
}

/** The part of a client's middleware that is used; its types differ from service to service. A test's stand-in has none. */
interface WithMiddleware {
  readonly middlewareStack?:
    { add(middleware: (next: Handler, context: SigningContext) => Handler, options: object): void } | undefined;
}

/**
 * Lets no request leave over plain http, because an endpoint may also come from the environment, a profile or a function,
 * and remembers the credentials of each.
 */
function watchRequests(
  { text, provider }: { text: { service: string }; provider: string },
  client: unknown,
  scrubber: CredentialScrubber,
  allowHttp: boolean,
): void {
  (client as WithMiddleware).middlewareStack?.add(
    (next, context) => (args) => {
      const { __smithy_context: signing } = context;
      const { secretAccessKey, sessionToken } = signing?.selectedHttpAuthScheme?.identity ?? {};
      scrubber.remember(secretAccessKey, sessionToken);
      const { protocol, hostname = '' } = args.request as { protocol?: string; hostname?: string };
      if (protocol === 'http:' && !allowHttp && !isLoopback(hostname)) {
        throw new KeyProviderError(
          `${text.service} is not called over plain http at \`${hostname}\`; use https, an endpoint on loopback, or \`dangerouslyAllowHttp\`.`,
          { provider, retryable: false },
        );
      }
      return next(args);
    },
    { step: 'finalizeRequest', name: 'goldkeyWatchRequests', priority: 'low' },
  );
}
