import { noteStoreRequest } from '../core/index.js';

/** An answer of an AWS SDK client. A client of a test may answer without the rest. */
export interface AwsAnswer {
  readonly $metadata?: { readonly requestId?: string | undefined } | undefined;
}

/** Notes AWS's name of the request that brought a key, which is also CloudTrail's. Returns the key. */
export function noteAwsRequest(bytes: Uint8Array, answer: AwsAnswer, keyId?: string): Uint8Array {
  return noteStoreRequest(bytes, { keyId, requestId: answer.$metadata?.requestId });
}
