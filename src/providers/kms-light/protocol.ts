import { firstOf, type Incoming } from '../../http/types.js';
import type { DecryptAnswer } from '../shared/kms/decrypt.js';

// What KMS answers, by the AWS JSON 1.1 protocol, in the shapes the AWS SDK gives it.

/** The answer to Decrypt, with the plaintext as bytes. */
export function answerIn({ status, text }: Incoming): DecryptAnswer {
  const body = json(text);
  if (body === undefined) throw unreadable(status);
  const [plaintext, keyId] = [body['Plaintext'], body['KeyId']];
  return {
    Plaintext: typeof plaintext === 'string' && plaintext !== '' ? bytesIn(plaintext, status) : undefined,
    KeyId: typeof keyId === 'string' ? keyId : undefined,
  };
}

/** Only canonical base64: Buffer passes over what is none, and a key read wrong would be sent. */
function bytesIn(base64: string, status: number): Uint8Array {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.toString('base64') === base64) return bytes;
  bytes.fill(0);
  throw unreadable(status);
}

/** The error in an answer other than 200. */
export function faultIn({ status, headers, text }: Incoming): Error {
  const body: ReturnType<typeof json> = text === '' ? {} : json(text);
  if (body === undefined) return unreadable(status);
  const type = [firstOf(headers['x-amzn-errortype']), body['code'], body['__type']].find(
    (given) => typeof given === 'string',
  ) as string | undefined;
  const message = body['message'] ?? body['Message'];
  // Of a refused signature the lines after the first quote the request, the session token included.
  const [first = ''] = typeof message === 'string' ? message.split('\n', 1) : ['UnknownError'];
  return Object.assign(new Error(first), {
    name: nameOf(type ?? ''),
    $fault: status < 500 ? 'client' : 'server',
    $metadata: { httpStatusCode: status, requestId: firstOf(headers['x-amzn-requestid']) },
  });
}

/** An answer that is not JSON, by the name that the AWS SDK gives it. Nothing of it is kept. */
export function unreadable(status: number): Error {
  return Object.assign(new Error('The answer is not JSON.'), {
    name: 'SyntaxError',
    $metadata: { httpStatusCode: status },
  });
}

/** `com.amazonaws.kms#Name:http://…` and `Name,Another` both tell of `Name`. */
function nameOf(type: string): string {
  const [first = ''] = type.split(/[,:]/, 1);
  return first.slice(first.indexOf('#') + 1) || 'UnknownError';
}

function json(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
