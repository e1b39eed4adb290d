import type { KMSClient } from '@aws-sdk/client-kms';
import { fetchContainerCredentials, isAwsCredentials, readEnvironmentCredentials } from '../../aws/credentials.js';
import { readVariable } from '../../aws/environment.js';
import type { AwsCredentials } from '../../aws/sigv4.js';
import {
  backoffWindow,
  describeType,
  halfJitter,
  invalidType,
  isGoldKeyError,
  KeyProviderError,
  MissingPackageError,
  withRetries,
  type Clock,
} from '../../core/index.js';
import { packageLoader } from '../../util/load-package.js';
import { AWS_KMS } from '../shared/kms/errors.js';

/** The `credentials` option: fixed, or a function. */
export type CredentialsOption = AwsCredentials | (() => Promise<AwsCredentials>) | undefined;

/** No bundler follows a parameter: the SDK is large, and a fallback. The comments keep webpack and Vite from warning. */
const loadKmsSdk = packageLoader<{ readonly KMSClient: typeof KMSClient }>(
  { need: 'goldkey/kms-light needs the AWS SDK for KMS', name: '@aws-sdk/client-kms', provider: AWS_KMS },
  (name) => import(/* webpackIgnore: true */ /* @vite-ignore */ name) as Promise<{ KMSClient: typeof KMSClient }>,
);

/** Checks the `credentials` option, and copies it. No message shows a value. */
export function checkCredentials(credentials: unknown): CredentialsOption {
  if (credentials === undefined || typeof credentials === 'function') return credentials as CredentialsOption;
  if (isAwsCredentials(credentials)) return { ...credentials };
  throw invalidType(
    `\`credentials\` must be a function, or an object with \`accessKeyId\`, \`secretAccessKey\` and, when temporary, \`sessionToken\`, all of visible ASCII characters, and optionally a Date as \`expiration\`, got ${describeType(credentials)}.`,
  );
}

/**
 * Creates a client of the AWS SDK, which finds credentials and Region outside the environment: profiles, SSO, web identity,
 * an instance's role. `ignoreCache`: it reads configuration files again that the SDK has read before.
 */
export async function createSdkClient(region: string | undefined, ignoreCache: boolean): Promise<KMSClient> {
  try {
    const { KMSClient: Client } = await loadKmsSdk();
    return new Client({ ...(region !== undefined && { region }), ...(ignoreCache && { ignoreCache }) });
  } catch (error) {
    if (!isGoldKeyError(error, 'ERR_GOLDKEY_MISSING_PACKAGE')) throw error;
    throw new MissingPackageError(
      `goldkey/kms-light found ${region === undefined ? 'no AWS_REGION' : 'no AWS credentials'} in the environment; to look elsewhere it needs the AWS SDK for KMS, which is not installed, and in no bundle: npm install @aws-sdk/client-kms`,
      { cause: error, provider: AWS_KMS },
    );
  }
}

/** Finds the credentials to sign with, in the AWS SDK's order, in which a named profile precedes the environment. */
export async function findCredentials(
  option: CredentialsOption,
  openSdk: () => Promise<KMSClient>,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<AwsCredentials> {
  if (option !== undefined) return typeof option === 'function' ? await callCredentials(option) : option;
  if (readVariable('AWS_PROFILE') === undefined) {
    const found = readEnvironmentCredentials(AWS_KMS);
    if (found !== undefined) return found;
    if (readVariable('AWS_WEB_IDENTITY_TOKEN_FILE') === undefined) {
      const fetched = await withRetries(() => fetchContainerCredentials({ provider: AWS_KMS, clock, signal }), {
        retries: 2,
        clock,
        signal,
        getDelay: (error, retried) =>
          isGoldKeyError(error) && error.retryable && signal?.aborted !== true
            ? halfJitter(backoffWindow(100, retried))
            : undefined,
      });
      if (fetched !== undefined) return fetched;
    }
  }
  return await (await openSdk()).config.credentials();
}

/** Calls the `credentials` function and checks its result. Its failure does not make the key wrong. */
async function callCredentials(option: () => Promise<AwsCredentials>): Promise<AwsCredentials> {
  let credentials: unknown;
  try {
    credentials = await option();
  } catch (error) {
    throw new KeyProviderError('The `credentials` function failed; its error is the `cause`.', {
      cause: error,
      provider: AWS_KMS,
    });
  }
  if (isAwsCredentials(credentials)) return credentials;
  throw new KeyProviderError(
    `The \`credentials\` function must return \`accessKeyId\`, \`secretAccessKey\` and, if it has any, a \`sessionToken\` and a Date as \`expiration\`, got ${describeType(credentials)}.`,
    { provider: AWS_KMS },
  );
}
