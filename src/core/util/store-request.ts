/** The request by which a store gave a key, for the records of who used which key when. */
export interface StoreRequest {
  /** The key that decrypted it, e.g. the ARN of a KMS key. */
  keyId?: string | undefined;
  /** The store's name of the request, e.g. that of CloudTrail's record. */
  requestId?: string | undefined;
}

const requests = new WeakMap<Uint8Array, StoreRequest>();

/** Notes the request that brought these bytes, for as long as they are not copied. */
export function noteStoreRequest<T extends Uint8Array>(bytes: T, request: StoreRequest): T {
  requests.set(bytes, request);
  return bytes;
}

/** Returns the request that brought these bytes; nothing if their store noted none. */
export function getStoreRequest(bytes: unknown): StoreRequest {
  return requests.get(bytes as Uint8Array) ?? {};
}
