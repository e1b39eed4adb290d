import type { KMSClient, KMSClientConfig } from '@aws-sdk/client-kms';
import {
  invalidType,
  isLoopback,
  KeyProviderError,
  kindOf,
  MissingPackageError,
  optionalString,
} from '../core/index.js';
import { bringsRetries, checkClientConfig, isEqual, isPlain } from './kms-config.js';
import { AWS_KMS } from './kms-errors.js';
import type { KmsConnectionOptions } from './kms-options.js';

/** The package, however it was loaded. */
export type KmsSdk = typeof import('@aws-sdk/client-kms');

/** A client in use. */
export interface KmsConnection {
  sdk: KmsSdk;
  client: KMSClient;
  /** Whether the client repeats a failed request itself. */
  retriesItself: boolean;
}

/** A way to KMS that connects when first used. */
export interface KmsLink {
  connect(): Promise<KmsConnection>;
  close(): Promise<void>;
}

interface SharedClient {
  readonly config: KMSClientConfig;
  readonly client: KMSClient;
  users: number;
}

const shared: SharedClient[] = [];
let loading: Promise<KmsSdk> | undefined;

/** Checks the options and keeps a copy; nothing is loaded or built before the first `connect`. */
export function kmsLink(options: KmsConnectionOptions): KmsLink {
  const region = optionalString('region', options.region);
  const { client, clientConfig } = options;
  if (client !== undefined) {
    if (clientConfig !== undefined) {
      throw invalidType('`client` brings its own configuration; give either it or `clientConfig`.');
    }
    if (typeof (client as Partial<KMSClient> | null)?.send !== 'function') {
      throw invalidType(`\`client\` must be a KMSClient, got ${kindOf(client)}.`);
    }
    return {
      connect: async () => ({ sdk: await loadSdk(), client: client as KMSClient, retriesItself: true }),
      close: () => Promise.resolve(),
    };
  }
  const config = checkClientConfig(clientConfig ?? {}, region);
  const retriesItself = bringsRetries(config);
  let held: Promise<{ sdk: KmsSdk; entry: SharedClient }> | undefined;
  const acquire = async (): Promise<{ sdk: KmsSdk; entry: SharedClient }> => {
    const sdk = await loadSdk();
    let entry = shared.find((other) => isEqual(other.config, config));
    if (entry === undefined) {
      entry = { config, client: buildClient(sdk, config), users: 0 };
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
}

/**
 * The one place that loads the SDK. `require` is 20 ms faster than `import` on Node 20 and 22; where it finds nothing
 * (a bundled application) the bundler has seen the `import`.
 */
function loadSdk(): Promise<KmsSdk> {
  const load = async (): Promise<KmsSdk> => {
    try {
      const { createRequire } = process.getBuiltinModule('node:module');
      return createRequire(import.meta.url)('@aws-sdk/client-kms') as KmsSdk;
    } catch {
      return await import('@aws-sdk/client-kms');
    }
  };
  return (loading ??= load().catch((error: unknown) => {
    loading = undefined;
    const code = (error as { code?: unknown } | null)?.code;
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw error;
    throw new MissingPackageError(
      'goldkey/kms needs the AWS SDK for KMS, which is not installed: npm install @aws-sdk/client-kms',
      { cause: error, provider: AWS_KMS },
    );
  }));
}

function buildClient(sdk: KmsSdk, config: KMSClientConfig): KMSClient {
  const { requestHandler, ...rest } = config;
  const client = new sdk.KMSClient({
    ...rest,
    ...(bringsRetries(config) ? {} : { maxAttempts: 1 }),
    // Without `throwOnRequestTimeout` the SDK would log a hung request and go on waiting for it.
    requestHandler: isPlain(requestHandler ?? {})
      ? { connectionTimeout: 1_000, requestTimeout: 2_000, throwOnRequestTimeout: true, ...requestHandler }
      : requestHandler,
  } as KMSClientConfig);
  // An endpoint may also come from the environment, a profile or a function: what counts is where a request goes.
  client.middlewareStack.add(
    (next) => (args) => {
      const { protocol, hostname } = args.request as { protocol?: string; hostname?: string };
      if (protocol === 'http:' && !isLoopback(hostname ?? '')) {
        throw new KeyProviderError(
          `AWS KMS is not called over plain http at \`${hostname ?? ''}\`; use https, or an endpoint on loopback.`,
          { provider: AWS_KMS, retryable: false },
        );
      }
      return next(args);
    },
    { step: 'finalizeRequest', name: 'goldkeyNoPlainHttp', priority: 'low' },
  );
  return client;
}
