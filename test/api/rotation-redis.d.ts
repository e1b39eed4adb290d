import type { RingStore } from 'goldkey/rotation';

export interface RedisRingOptions {
  key: string;
  url?: string | undefined;
  client?: object | undefined;
  dangerouslyAllowPlaintext?: boolean | undefined;
}

export declare function redisRing(options: RedisRingOptions): RingStore;
