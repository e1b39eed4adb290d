import { KMSClient, type KMSClientConfig } from '@aws-sdk/client-kms';

/** Creates an SDK client that tries once, so that a test sees the first answer. */
export function kmsClient(endpoint: string, config: KMSClientConfig = {}): KMSClient {
  return new KMSClient({
    region: 'us-east-1',
    endpoint,
    maxAttempts: 1,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    ...config,
  });
}

/** Returns the error that a promise rejects with. */
export async function catchError(promise: Promise<unknown>): Promise<Error> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof Error) return outcome;
  throw new Error('It resolved, or rejected with a value that is not an Error.');
}

/** Sends a request without the SDK. */
export async function post(
  url: string,
  target: string,
  body: string,
): Promise<{ status: number; requestId: string | null; text: string; body: unknown }> {
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target };
  const response = await fetch(url, { method: 'POST', headers, body });
  const text = await response.text();
  const parsed: unknown = text === '' ? undefined : JSON.parse(text);
  return { status: response.status, requestId: response.headers.get('x-amzn-requestid'), text, body: parsed };
}
