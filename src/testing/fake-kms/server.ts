import type { ServerResponse } from 'node:http';
import {
  checkInteger,
  checkOptionalString,
  checkOptionNames,
  checkString,
  describeType,
  invalidRange,
  invalidType,
  nodeCrypto,
  type EncryptionContext,
  quote,
} from '../../core/index.js';
import { checkName, checkTimes, FaultQueue } from '../http/fault-queue.js';
import {
  pause,
  resetConnection,
  send,
  sendTruncated,
  startLoopbackServer,
  type LoopbackOptions,
  type LoopbackRequest,
  type LoopbackServer,
} from '../http/loopback-server.js';
import { encryptBlob } from './ciphertext.js';
import { KmsError } from './errors.js';
import { createAwsError, isAwsFault, KMS_FAULTS, type KmsFault } from './faults.js';
import { FakeKeyStore } from './keys.js';
import { KMS_OPERATIONS, MAX_PLAINTEXT_BYTES } from './operations.js';
import { KmsFields } from './request-fields.js';
import { verifySigV4 } from './sigv4.js';

export type { KmsFault } from './faults.js';

/** Options of {@link startFakeKms}. */
export interface FakeKmsOptions extends LoopbackOptions {
  /** The region in ARNs, and the only one that a signature may be made for. Default `us-east-1`. */
  region?: string | undefined;
  /**
   * The only credentials that a request may be signed with (AWS Signature Version 4). A session token is accepted if it
   * is signed too. Default: signatures are not checked.
   */
  credentials?:
    | {
        /** Name of the access key. */
        accessKeyId: string;
        /** Secret that signatures are made with. */
        secretAccessKey: string;
      }
    | undefined;
}

/** A KMS on loopback, as {@link startFakeKms} returns it. */
export interface FakeKms extends LoopbackServer {
  /** The region in its ARNs. */
  readonly region: string;
  /** The ARN of the default key, which has the alias `alias/gold-api-keys` too. */
  readonly keyArn: string;
  /** Every request since the start or the last `reset()`, in order of arrival; always the same array. */
  readonly requests: ReadonlyArray<{
    /** Name of the operation, e.g. `Decrypt`; empty if the request names none. */
    operation: string;
    /** The answer's request id. */
    requestId: string;
    /** Time of the request, in epoch ms. */
    at: number;
    /** Status of the answer; 0 until then, and for good if the connection was cut instead. */
    status: number;
  }>;
  /**
   * Encrypts under the default key, as an operator would: the result is the `ciphertext` of a key provider.
   *
   * @param plaintext - 1 to 4,096 bytes of UTF-8
   * @param context - the EncryptionContext, which a Decrypt must repeat
   * @returns the ciphertext in base64
   * @throws {TypeError | RangeError} with code `ERR_INVALID_ARG_VALUE`: an argument of the wrong type or length
   */
  encrypt(plaintext: string, context: EncryptionContext): string;
  /**
   * Shows `fault` to the next requests. Faults queue up.
   *
   * @param options - `times`: the number of requests, from 1 (the default) to `Infinity` (until `reset()`);
   *   `operation`: the only operation that meets the fault, e.g. `Decrypt`. Default: all
   * @throws {TypeError | RangeError} with code `ERR_INVALID_ARG_VALUE`: an unknown name, or `times` out of range
   */
  inject(fault: KmsFault, options?: { times?: number | undefined; operation?: string | undefined }): void;
  /**
   * Goes back to the start: no faults, no requests, only the default key, enabled, with its alias. Cuts the requests
   * that a `slow` fault holds. Ciphertexts under the default key can still be decrypted.
   */
  reset(): void;
}

/** The page that a load balancer shows when no server is behind it. */
const UNAVAILABLE_PAGE = '<html><body><b>Http/1.1 Service Unavailable</b></body> </html>';
const HTML_TYPE = { 'content-type': 'text/html' } as const;
const JSON_TYPE = { 'content-type': 'application/x-amz-json-1.1', 'cache-control': 'no-cache, no-store' } as const;

/**
 * Starts a KMS on 127.0.0.1 that speaks AWS's wire protocol: AES-256-GCM with the EncryptionContext as associated data,
 * AWS's error bodies, signatures checked if `credentials` are given. It has CreateKey, CreateAlias, DescribeKey,
 * Encrypt, Decrypt, ReEncrypt, GenerateDataKey, EnableKey, DisableKey and ScheduleKeyDeletion for symmetric keys. It
 * does not check grants and policies; `inject('access-denied')` shows their error.
 *
 * @param options - all optional
 * @returns the running server; close it, or declare it with `await using`
 * @throws {TypeError | RangeError} with code `ERR_INVALID_ARG_VALUE`: an unknown option, or a wrong value
 * @throws {Error} with code `EADDRINUSE`: the port is taken
 *
 * @example
 * ```ts
 * import { GoldDataClient } from 'goldkey';
 * import { fromKms } from 'goldkey/kms';
 * import { startFakeKms } from 'goldkey/testing';
 *
 * const kms = await startFakeKms();
 * const context = { service: 'gold-data-stream' };
 * const keyProvider = fromKms({
 *   ciphertext: kms.encrypt('an-invented-api-key', context),
 *   encryptionContext: context,
 *   keyId: kms.keyArn,
 *   region: kms.region,
 *   clientConfig: { endpoint: kms.url, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } },
 * });
 * const gold = new GoldDataClient({ keyProvider, fetchPrice: async (symbol, { apiKey }) => 2000 });
 * kms.inject('throttling', { times: 2, operation: 'Decrypt' });
 * await gold.getPrice('XAU'); // kms.requests tells: two answers of 400, then one of 200
 *
 * await gold.close();
 * await kms.close();
 * ```
 */
export async function startFakeKms(options: FakeKmsOptions = {}): Promise<FakeKms> {
  checkOptionNames('startFakeKms', options, ['port', 'region', 'latency', 'credentials']);
  const port = checkInteger('port', options.port, 0, 0, 65_535);
  const region = checkOptionalString('region', options.region) ?? 'us-east-1';
  const latency = checkInteger('latency', options.latency, 0, 0);
  const credentials = checkCredentials(options.credentials);
  const keys = new FakeKeyStore(region);
  const faults = new FaultQueue<{ fault: KmsFault; operation: string | undefined }>();
  const requests: FakeKms['requests'][number][] = [];
  const held = new Set<ServerResponse>();

  const answer = async (request: LoopbackRequest, response: ServerResponse): Promise<void> => {
    const target = request.headers['x-amz-target']?.[0] ?? '';
    // Any other text might be a secret, and would get into the log.
    const operation = /^TrentService\.([A-Za-z]{1,64})$/.exec(target)?.[1] ?? '';
    const record = { operation, requestId: nodeCrypto().randomUUID(), at: Date.now(), status: 0 };
    requests.push(record);
    if (!(await pause(response, latency))) return;
    const fault = faults.take((queued) => queued.operation === undefined || queued.operation === operation)?.fault;
    if (fault === 'reset') {
      resetConnection(response);
      return;
    }
    if (fault === 'slow') {
      held.add(response);
      response.once('close', () => held.delete(response));
      return;
    }
    const { status, body } = execute(request, operation, fault);
    record.status = status;
    const headers = { 'x-amzn-requestid': record.requestId, ...(fault === 'http-503' ? HTML_TYPE : JSON_TYPE) };
    (fault === 'truncated' ? sendTruncated : send)(response, status, headers, body);
  };

  const execute = (
    request: LoopbackRequest,
    operation: string,
    fault?: KmsFault,
  ): Pick<KmsError, 'status' | 'body'> => {
    try {
      if (fault === 'http-503') return { status: 503, body: UNAVAILABLE_PAGE };
      if (isAwsFault(fault)) throw createAwsError(fault, keys.defaultKey.arn, operation);
      if (credentials !== undefined) verifySigV4(request, { ...credentials, region });
      const run = Object.hasOwn(KMS_OPERATIONS, operation) ? KMS_OPERATIONS[operation] : undefined;
      if (run === undefined) throw new KmsError('UnknownOperationException');
      const result = run(new KmsFields(request.body), keys);
      return { status: 200, body: result === undefined ? '' : JSON.stringify(result) };
    } catch (error) {
      return error instanceof KmsError ? error : new KmsError('KMSInternalException', String(error), 500);
    } finally {
      // The body of an Encrypt holds a plaintext.
      request.body.fill(0);
    }
  };

  const server = await startLoopbackServer(port, answer);
  return {
    ...server,
    region,
    keyArn: keys.defaultKey.arn,
    requests,
    encrypt: (plaintext, context) => encryptBlob(keys.defaultKey, checkPlaintext(plaintext), checkContext(context)),
    inject(fault, how = {}) {
      checkOptionNames('`inject`', how, ['times', 'operation']);
      const names = Object.keys(KMS_OPERATIONS);
      const operation = how.operation === undefined ? undefined : checkName('`operation`', how.operation, names);
      faults.add({ fault: checkName('The fault', fault, KMS_FAULTS), operation }, checkTimes(how.times));
    },
    reset() {
      faults.clear();
      requests.length = 0;
      keys.reset();
      for (const response of held) response.destroy();
    },
  };
}

function checkCredentials(credentials: FakeKmsOptions['credentials']): FakeKmsOptions['credentials'] {
  if (credentials === undefined) return undefined;
  checkOptionNames('`credentials`', credentials, ['accessKeyId', 'secretAccessKey']);
  const accessKeyId = checkString('credentials.accessKeyId', credentials.accessKeyId);
  const secretAccessKey = checkString('credentials.secretAccessKey', credentials.secretAccessKey);
  return { accessKeyId, secretAccessKey };
}

function checkPlaintext(plaintext: unknown): Buffer {
  if (typeof plaintext !== 'string') {
    throw invalidType(`\`plaintext\` must be a string, got ${describeType(plaintext)}.`);
  }
  const bytes = Buffer.from(plaintext);
  if (bytes.length >= 1 && bytes.length <= MAX_PLAINTEXT_BYTES) return bytes;
  throw invalidRange(
    `\`plaintext\` must have from 1 to ${String(MAX_PLAINTEXT_BYTES)} bytes, got ${String(bytes.length)}.`,
  );
}

function checkContext(context: unknown): EncryptionContext {
  if (typeof context !== 'object' || context === null || Array.isArray(context)) {
    throw invalidType(`The EncryptionContext must be an object of strings, got ${describeType(context)}.`);
  }
  const wrong = Object.entries(context).find(([, value]) => typeof value !== 'string');
  if (wrong !== undefined) {
    throw invalidType(`The EncryptionContext's ${quote(wrong[0])} must be a string, got ${describeType(wrong[1])}.`);
  }
  return context as EncryptionContext;
}
