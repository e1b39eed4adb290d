import type { ServerResponse } from 'node:http';
import {
  checkOptionNames,
  checkInteger,
  invalidRange,
  invalidType,
  describeType,
  nodeCrypto,
  checkOptionalString,
  type EncryptionContext,
} from '../../core/index.js';
import { checkTimes, FaultQueue, oneOf } from '../http/fault-queue.js';
import { seal } from './ciphertext.js';
import { KmsRefusal } from './errors.js';
import { KMS_FAULTS, type KmsFault, refusalOf, UNAVAILABLE_PAGE } from './faults.js';
import { KmsFields } from './request-fields.js';
import { FakeKeyStore } from './keys.js';
import { KMS_OPERATIONS, MAX_PLAINTEXT_BYTES } from './operations.js';
import {
  type LoopbackRequest,
  pause,
  resetConnection,
  send,
  sendTruncated,
  startLoopbackServer,
} from '../http/loopback-server.js';
import { verifySigV4 } from './sigv4.js';

export type { KmsFault } from './faults.js';

/** Options of {@link startFakeKms}. */
export interface FakeKmsOptions {
  /** The port on 127.0.0.1, from 0 to 65_535. Default 0: a free one. */
  port?: number | undefined;
  /** The region in ARNs, and the only one a signature may be made for. Default `us-east-1`. */
  region?: string | undefined;
  /** How long every answer waits, in ms. Default 0. */
  latency?: number | undefined;
  /**
   * Given, every request must carry a Signature Version 4 by these, with any session token as long as it is signed.
   * Default: signatures are not looked at.
   */
  credentials?: { accessKeyId: string; secretAccessKey: string } | undefined;
}

/** A KMS on loopback. Point a client at `url`. */
export interface FakeKms extends AsyncDisposable {
  /** The `endpoint` for a client, `http://127.0.0.1:<port>`. */
  readonly url: string;
  readonly region: string;
  /** The default key, also known as `alias/gold-api-keys`. */
  readonly keyArn: string;
  /**
   * Every request since the start or the last `reset()`, in order of arrival; the same array all the time. `at` is
   * epoch ms; `status` is 0 until the request is answered, and stays 0 when its connection was cut instead.
   */
  readonly requests: ReadonlyArray<{ operation: string; requestId: string; at: number; status: number }>;
  /** Encrypts under the default key, as an operator would have: what you configure as `ciphertext`, in base64. */
  encrypt(plaintext: string, context: EncryptionContext): string;
  /**
   * Shows `fault` to the next `times` requests (default 1; `Infinity` until `reset()`), of one `operation` if given.
   * Faults queue up.
   */
  inject(fault: KmsFault, options?: { times?: number | undefined; operation?: string | undefined }): void;
  /**
   * Back to the start: no faults, no requests, only the default key, enabled, with its alias. Requests that a `slow`
   * fault holds are cut. Ciphertexts under the default key stay readable.
   */
  reset(): void;
  /** Cuts every connection at once and stops; never waits for a client. */
  close(): Promise<void>;
}

interface KmsRequestRecord {
  operation: string;
  readonly requestId: string;
  readonly at: number;
  status: number;
}

const JSON_TYPE = { 'content-type': 'application/x-amz-json-1.1', 'cache-control': 'no-cache, no-store' } as const;

/**
 * Starts a KMS on 127.0.0.1 that speaks AWS's wire protocol: real AES-256-GCM with the EncryptionContext as associated
 * data, real error bodies, signatures checked when `credentials` are given. It knows CreateKey, CreateAlias,
 * DescribeKey, Encrypt, Decrypt, ReEncrypt, GenerateDataKey, EnableKey, DisableKey and ScheduleKeyDeletion, for
 * symmetric keys. Grants and policies are not checked: `inject('access-denied')` shows that.
 *
 * @param options - all optional
 * @returns the running server; close it, or declare it with `await using`
 * @throws {TypeError} with code `ERR_INVALID_ARG_VALUE`: an unknown option, or one of the wrong type
 * @throws {RangeError} with code `ERR_INVALID_ARG_VALUE`: a port or latency out of range
 * @throws {Error} with code `EADDRINUSE`: the port is taken
 *
 * @example
 * ```ts
 * import { fromKms } from 'goldkey/kms';
 * import { startFakeKms } from 'goldkey/testing';
 *
 * const kms = await startFakeKms();
 * const context = { service: 'gold-data-stream' };
 * const keyProvider = fromKms({
 *   ciphertext: kms.encrypt('an-invented-api-key', context),
 *   encryptionContext: context,
 *   region: kms.region,
 *   clientConfig: { endpoint: kms.url, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } },
 * });
 * kms.inject('throttling', { times: 2, operation: 'Decrypt' });
 * // … the code under test …
 * await kms.close();
 * ```
 */
export async function startFakeKms(options: FakeKmsOptions = {}): Promise<FakeKms> {
  const { port, region, latency, credentials } = checkOptions(options);
  const keys = new FakeKeyStore(region);
  const faults = new FaultQueue<{ fault: KmsFault; operation: string | undefined }>();
  const requests: KmsRequestRecord[] = [];
  const held = new Set<ServerResponse>();

  const answer = async (request: LoopbackRequest, response: ServerResponse): Promise<void> => {
    const operation = operationOf(request);
    const record: KmsRequestRecord = { operation, requestId: nodeCrypto().randomUUID(), at: Date.now(), status: 0 };
    requests.push(record);
    if (!(await pause(response, latency))) return;
    const taken = faults.take((fault) => fault.operation === undefined || fault.operation === operation);
    const fault = taken?.fault;
    if (fault === 'reset') {
      resetConnection(response);
      return;
    }
    if (fault === 'slow') {
      held.add(response);
      response.once('close', () => held.delete(response));
      return;
    }
    const headers = { 'x-amzn-requestid': record.requestId };
    if (fault === 'http-503') {
      record.status = 503;
      send(response, 503, { ...headers, 'content-type': 'text/html' }, UNAVAILABLE_PAGE);
      return;
    }
    const { status, body } = outcomeOf(request, operation, fault);
    record.status = status;
    (fault === 'truncated' ? sendTruncated : send)(response, status, { ...headers, ...JSON_TYPE }, body);
  };

  const outcomeOf = (request: LoopbackRequest, operation: string, fault: KmsFault | undefined): Outcome => {
    try {
      const injected = fault && refusalOf(fault, { operation, keyArn: keys.defaultKey.arn });
      if (injected !== undefined) throw injected;
      if (credentials !== undefined) {
        const refused = verifySigV4(request, { ...credentials, region, service: 'kms', now: Date.now() });
        if (refused !== undefined) throw new KmsRefusal(refused.name, refused.message);
      }
      const run = Object.hasOwn(KMS_OPERATIONS, operation) ? KMS_OPERATIONS[operation] : undefined;
      if (run === undefined) throw new KmsRefusal('UnknownOperationException');
      const result = run(new KmsFields(request.body), keys);
      return { status: 200, body: result === undefined ? '' : JSON.stringify(result) };
    } catch (error) {
      const refusal = error instanceof KmsRefusal ? error : new KmsRefusal('KMSInternalException', String(error), 500);
      return { status: refusal.status, body: refusal.body };
    } finally {
      // The body of an Encrypt is a plaintext.
      request.body.fill(0);
    }
  };

  const server = await startLoopbackServer(port, answer);
  return {
    url: server.url,
    region,
    keyArn: keys.defaultKey.arn,
    requests,
    encrypt: (plaintext, context) =>
      seal(keys.defaultKey, checkPlaintext(plaintext), checkContext(context)).toString('base64'),
    inject(fault, how = {}) {
      checkOptionNames('`inject`', how, ['times', 'operation']);
      const names = Object.keys(KMS_OPERATIONS);
      const operation = how.operation === undefined ? undefined : oneOf('`operation`', how.operation, names);
      faults.add({ fault: oneOf('The fault', fault, KMS_FAULTS), operation }, checkTimes(how.times));
    },
    reset() {
      faults.clear();
      requests.length = 0;
      keys.reset();
      for (const response of held) response.destroy();
    },
    close: () => server.close(),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

interface Outcome {
  status: number;
  body: string;
}

function checkOptions(options: FakeKmsOptions): {
  port: number;
  region: string;
  latency: number;
  credentials: { accessKeyId: string; secretAccessKey: string } | undefined;
} {
  checkOptionNames('startFakeKms', options, ['port', 'region', 'latency', 'credentials']);
  const { credentials } = options;
  if (credentials !== undefined) {
    checkOptionNames('`credentials`', credentials, ['accessKeyId', 'secretAccessKey']);
    for (const name of ['accessKeyId', 'secretAccessKey'] as const) {
      if (checkOptionalString(`credentials.${name}`, credentials[name]) === undefined) {
        throw invalidType(`\`credentials.${name}\` must be a non-empty string, got undefined.`);
      }
    }
  }
  return {
    port: checkInteger('port', options.port, 0, 0, 65_535),
    region: checkOptionalString('region', options.region) ?? 'us-east-1',
    latency: checkInteger('latency', options.latency, 0, 0),
    credentials: credentials && { ...credentials },
  };
}

/** The name in `x-amz-target`; empty when it is not one, so that nothing a client puts there gets into the log. */
function operationOf(request: LoopbackRequest): string {
  return /^TrentService\.([A-Za-z]{1,64})$/.exec(request.headers['x-amz-target']?.[0] ?? '')?.[1] ?? '';
}

function checkPlaintext(plaintext: unknown): Buffer {
  if (typeof plaintext !== 'string')
    throw invalidType(`\`plaintext\` must be a string, got ${describeType(plaintext)}.`);
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
    throw invalidType(`The EncryptionContext's \`${wrong[0]}\` must be a string, got ${describeType(wrong[1])}.`);
  }
  return context as EncryptionContext;
}
