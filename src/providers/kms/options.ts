// The public options, apart from what uses the SDK: their declarations must resolve where it is not installed.

/** How to get to KMS; both `fromKms` and `kmsCipher` take these. */
export interface KmsConnectionOptions {
  /** AWS Region of the key. Default: what the SDK finds (AWS_REGION, the profile); there is no other default. */
  region?: string | undefined;
  /**
   * The caller's `KMSClient`: it keeps its own retries and timeouts and is never closed here. Not together with
   * `clientConfig`; a `region` beside it changes nothing.
   */
  client?: object | undefined;
  /**
   * `KMSClientConfig` for the client built here; clients of equal region and config are shared. Defaults: connection
   * timeout 1 s, request timeout 2 s, and `maxAttempts: 1`, because retries are made here; with a `maxAttempts`,
   * `retryMode` or `retryStrategy` of its own they are the SDK's. An endpoint over plain http must be on loopback.
   */
  clientConfig?: object | undefined;
}

/** The options both take. */
export interface KmsKeyOptions extends KmsConnectionOptions {
  /**
   * ARN, key id or alias. Sent along, so that KMS opens the ciphertext with this key only; the key that an ARN or an
   * id names must also be the one in the answer. What an alias stands for is left to KMS.
   */
  keyId?: string | undefined;
  /** Passed on to KMS: they bridge the seconds until a new grant is known everywhere. */
  grantTokens?: readonly string[] | undefined;
}
