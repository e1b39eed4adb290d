import type { ReplayStore } from 'goldkey/hmac';

export interface RedisReplayOptions {
  key: string;
  url?: string | undefined;
  client?: object | undefined;
  dangerouslyAllowPlaintext?: boolean | undefined;
}

export declare function redisReplayStore(options: RedisReplayOptions): ReplayStore;
