import {
  invalidType,
  isGoldKeyError,
  KeyProviderError,
  describeType,
  MissingPackageError,
  withRetries,
  type Clock,
} from '../../core/index.js';
import { containerCredentialsOf, environmentCredentials } from '../../aws/credentials.js';
import { variable } from '../../aws/environment.js';
import type { AwsCredentials } from '../../aws/signature.js';
import { AWS_KMS } from '../shared/kms/errors.js';
import { loadKmsSdk } from '../shared/kms/sdk.js';
import { isPrintableAscii } from '../../util/ascii.js';

/** Who signs: fixed, or asked for. */
export type CredentialsOption = AwsCredentials | (() => Promise<AwsCredentials>) | undefined;

/** So long before their end credentials are asked for again, as the AWS SDK does. */
const EARLY = 300_000;

/** Checks the `credentials` option, and copies it. No message shows a value. */
export function checkCredentials(credentials: unknown): CredentialsOption {
  if (credentials === undefined || typeof credentials === 'function') return credentials as CredentialsOption;
  if (isCredentials(credentials)) return { ...credentials };
  throw invalidType(
    `\`credentials\` must be a function, or an object with \`accessKeyId\`, \`secretAccessKey\` and, when temporary, \`sessionToken\`, all of visible ASCII characters, and maybe a Date as \`expiration\`, got ${describeType(credentials)}.`,
  );
}

/** The part of the AWS SDK that knows every source of credentials and of the region. */
export interface SdkChain {
  credentials(): Promise<AwsCredentials>;
  region(): Promise<string>;
  close(): void;
}

/** Loads the AWS SDK for what is not in the environment: profiles, SSO, web identity, an instance's role. */
export async function sdkChain(region: string | undefined): Promise<SdkChain> {
  try {
    const { KMSClient } = await loadKmsSdk();
    const client = new KMSClient(region === undefined ? {} : { region });
    const { config } = client;
    return { credentials: () => config.credentials(), region: () => config.region(), close: () => client.destroy() };
  } catch (error) {
    if (!isGoldKeyError(error, 'ERR_GOLDKEY_MISSING_PACKAGE')) throw error;
    throw new MissingPackageError(
      `goldkey/kms-light found ${region === undefined ? 'no AWS_REGION' : 'no AWS credentials'} in the environment, and to look elsewhere it needs the AWS SDK for KMS, which is not installed: npm install @aws-sdk/client-kms`,
      { cause: error, provider: AWS_KMS },
    );
  }
}

/** Finds who signs, and keeps credentials until shortly before they end. */
export class CredentialsSource {
  readonly #option: CredentialsOption;
  readonly #chain: () => Promise<SdkChain>;
  #kept: AwsCredentials | undefined;

  constructor(option: CredentialsOption, chain: () => Promise<SdkChain>) {
    this.#option = option;
    this.#chain = chain;
  }

  async get(clock: Clock, signal: AbortSignal | undefined): Promise<AwsCredentials> {
    const ends = this.#kept?.expiration?.getTime() ?? 0;
    if (this.#kept !== undefined && Date.now() < ends - EARLY) return this.#kept;
    this.#kept = await this.#find(clock, signal);
    return this.#kept;
  }

  /** Asks again the next time: these were refused. */
  forget(): void {
    this.#kept = undefined;
  }

  /** In the order of the AWS SDK, where a profile that is named comes before the environment. */
  async #find(clock: Clock, signal: AbortSignal | undefined): Promise<AwsCredentials> {
    const option = this.#option;
    if (option !== undefined) return typeof option === 'function' ? await given(option) : option;
    if (variable('AWS_PROFILE') === undefined) {
      const found = environmentCredentials(AWS_KMS);
      if (found !== undefined) return found;
      if (variable('AWS_WEB_IDENTITY_TOKEN_FILE') === undefined) {
        const ofContainer = await withRetries(() => containerCredentialsOf({ provider: AWS_KMS, clock, signal }), {
          retries: 2,
          clock,
          signal,
          delayOf: (error, retried) =>
            isGoldKeyError(error) && error.retryable && signal?.aborted !== true ? 100 * 2 ** retried : undefined,
        });
        if (ofContainer !== undefined) return ofContainer;
      }
    }
    return await (await this.#chain()).credentials();
  }
}

async function given(option: () => Promise<AwsCredentials>): Promise<AwsCredentials> {
  let credentials: unknown;
  try {
    credentials = await option();
  } catch (error) {
    throw new KeyProviderError('The `credentials` function failed; its error is the `cause`.', {
      cause: error,
      provider: AWS_KMS,
    });
  }
  if (isCredentials(credentials)) return credentials;
  throw new KeyProviderError(
    `The \`credentials\` function must give \`accessKeyId\`, \`secretAccessKey\` and, where there are any, a \`sessionToken\` and a Date as \`expiration\`, got ${describeType(credentials)}.`,
    { provider: AWS_KMS },
  );
}

function isCredentials(value: unknown): value is AwsCredentials {
  if (typeof value !== 'object' || value === null) return false;
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = value as Readonly<Record<string, unknown>>;
  if (!isText(accessKeyId) || !isText(secretAccessKey)) return false;
  return (sessionToken === undefined || isText(sessionToken)) && (expiration === undefined || isDate(expiration));
}

/** A Date of any realm: under Jest a test's own is another than ours. */
const isDate = (value: unknown): boolean => Object.prototype.toString.call(value) === '[object Date]';
const isText = (value: unknown): boolean => typeof value === 'string' && isPrintableAscii(value);
