// The answers of KMS in the AWS JSON 1.1 protocol, read into the shapes that the AWS SDK gives them.
import { tryOrUndefined } from '../../core/index.js';
import { firstHeaderValue, type Incoming } from '../../http/types.js';
import { decodeBase64 } from '../../util/base64.js';
import type { DecryptAnswer } from '../shared/kms/decrypt.js';

/** Reads an answer with status 200. */
export function parseDecryptOutput({ status, headers, text, secret }: Incoming): DecryptAnswer {
  const body = parseObject(text);
  if (body === undefined) throw createUnreadableError(status);
  const { Plaintext: plaintext, KeyId: keyId } = body;
  const $metadata = { requestId: firstHeaderValue(headers['x-amzn-requestid']) };
  const answer = { KeyId: typeof keyId === 'string' ? keyId : undefined, $metadata };
  // The text lacks what was handed over as bytes.
  const base64 = typeof plaintext === 'string' ? plaintext || secret : undefined;
  if (base64 === undefined || base64.length === 0) return answer;
  // Canonical base64 only: `Buffer.from` ignores other characters, and a key read wrong would be sent.
  const bytes = decodeBase64(base64);
  if (bytes === undefined) throw createUnreadableError(status);
  return { ...answer, Plaintext: bytes };
}

/** Reads the error in an answer with any other status. */
export function parseError({ status, headers, text }: Incoming): Error {
  const body: ReturnType<typeof parseObject> = text === '' ? {} : parseObject(text);
  if (body === undefined) return createUnreadableError(status);
  const types = [firstHeaderValue(headers['x-amzn-errortype']), body['code'], body['__type']];
  const type = types.find((given) => typeof given === 'string') ?? '';
  const message = body['message'] ?? body['Message'];
  return Object.assign(new Error(typeof message === 'string' ? message : 'UnknownError'), {
    // `Name` for both `com.amazonaws.kms#Name:http://…` and `Name,Another`.
    name: /^(?:[^,:#]*#)?([^,:]*)/.exec(type)?.[1] || 'UnknownError',
    $fault: status < 500 ? 'client' : 'server',
    $metadata: { httpStatusCode: status, requestId: firstHeaderValue(headers['x-amzn-requestid']) },
  });
}

/** Returns the error for an answer that is not JSON, under the name that the AWS SDK gives it and without its text. */
export function createUnreadableError(status: number): Error {
  return Object.assign(new Error('The answer is not JSON.'), {
    name: 'SyntaxError',
    $metadata: { httpStatusCode: status },
  });
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  const body = tryOrUndefined((): unknown => JSON.parse(text));
  return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : undefined;
}
