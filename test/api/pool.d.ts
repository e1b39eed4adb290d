import type { KeyedClient, KeyedClientOptions } from 'goldkey';

export declare class KeyedClientPool<C extends KeyedClient = KeyedClient> implements AsyncDisposable {
  #private;
  constructor(options: KeyedClientPoolOptions<C>);
  get size(): number;
  get(tenant: string): C;
  has(tenant: string): boolean;
  delete(tenant: string): Promise<void>;
  close(options?: { signal?: AbortSignal | undefined }): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface KeyedClientPoolOptions<C extends KeyedClient> {
  max: number;
  create: (tenant: string) => C | KeyedClientOptions;
}
