import { KMSClient, type KMSClientConfig } from '@aws-sdk/client-kms';

/** An SDK client for the fake that tries once, so that the first answer is the one seen. */
export function kmsClient(endpoint: string, config: KMSClientConfig = {}): KMSClient {
  return new KMSClient({
    region: 'us-east-1',
    endpoint,
    maxAttempts: 1,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    ...config,
  });
}

/** The error a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<Error> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof Error) return outcome;
  throw new Error('It resolved, or rejected with something that is no error.');
}

/** A request made by hand. */
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
