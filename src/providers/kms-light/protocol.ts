// The answers of KMS in the AWS JSON 1.1 protocol, read into the shapes that the AWS SDK gives them.
import { firstHeaderValue, type Incoming } from '../../http/types.js';
import { decodeBase64 } from '../../util/base64.js';
import type { DecryptOutput } from '../shared/kms/decrypt.js';

/** Reads an answer with status 200. */
export function parseDecryptOutput({ status, text }: Incoming): DecryptOutput {
  const body = parseObject(text);
  if (body === undefined) throw createUnreadableError(status);
  const [plaintext, keyId] = [body['Plaintext'], body['KeyId']];
  return {
    Plaintext: typeof plaintext === 'string' && plaintext !== '' ? decodePlaintext(plaintext, status) : undefined,
    KeyId: typeof keyId === 'string' ? keyId : undefined,
  };
}

/** Decodes canonical base64 only: `Buffer.from` ignores other characters, and a key read wrong would be sent. */
function decodePlaintext(base64: string, status: number): Uint8Array {
  const text = new TextEncoder().encode(base64);
  const bytes = decodeBase64(text);
  text.fill(0);
  if (bytes === undefined) throw createUnreadableError(status);
  return bytes;
}

/** Reads the error in an answer with any other status. */
export function parseError({ status, headers, text }: Incoming): Error {
  const body: ReturnType<typeof parseObject> = text === '' ? {} : parseObject(text);
  if (body === undefined) return createUnreadableError(status);
  const types = [firstHeaderValue(headers['x-amzn-errortype']), body['code'], body['__type']];
  const type = types.find((given) => typeof given === 'string') ?? '';
  const message = body['message'] ?? body['Message'];
  return Object.assign(new Error(typeof message === 'string' ? message : 'UnknownError'), {
    name: parseErrorType(type),
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

/** Returns `Name` for both `com.amazonaws.kms#Name:http://…` and `Name,Another`. */
function parseErrorType(type: string): string {
  const [first = ''] = type.split(/[,:]/, 1);
  return first.slice(first.indexOf('#') + 1) || 'UnknownError';
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
