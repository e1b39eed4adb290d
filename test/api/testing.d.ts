import type { Clock, EncryptionContext, KeyProvider, Stage } from 'goldkey';

export interface FakeKms extends LoopbackServer {
  readonly region: string;
  readonly keyArn: string;
  readonly requests: ReadonlyArray<{
    operation: string;
    requestId: string;
    at: number;
    status: number;
  }>;
  encrypt(plaintext: string, context: EncryptionContext): string;
  inject(
    fault: KmsFault,
    options?: {
      times?: number | undefined;
      operation?: string | undefined;
    },
  ): void;
  reset(): void;
}

export interface FakeKmsOptions extends LoopbackOptions {
  region?: string | undefined;
  credentials?:
    | {
        accessKeyId: string;
        secretAccessKey: string;
      }
    | undefined;
}

export interface FakePriceApi extends LoopbackServer {
  readonly calls: ReadonlyArray<{
    at: number;
    status: number;
    key: 'live' | 'revoked' | 'unknown' | 'none';
  }>;
  accept(key: string): void;
  revoke(key: string): void;
  inject(
    fault: PriceFault,
    options?: {
      times?: number | undefined;
      retryAfter?: number | undefined;
    },
  ): void;
}

export interface FakePriceApiOptions extends LoopbackOptions {
  api?: string | undefined;
  keys?: readonly string[] | undefined;
}

export type KmsFault =
  | 'throttling'
  | 'internal'
  | 'dependency-timeout'
  | 'access-denied'
  | 'expired-token'
  | 'key-unavailable'
  | 'disabled'
  | 'pending-deletion'
  | 'incorrect-key'
  | 'slow'
  | 'reset'
  | 'http-503'
  | 'truncated';

export interface LoopbackOptions {
  port?: number | undefined;
  latency?: number | undefined;
}

export interface LoopbackServer extends AsyncDisposable {
  readonly url: string;
  close(): Promise<void>;
}

export interface ManualClock extends Clock {
  advance(ms: number): Promise<void>;
  setWall(epochMs: number): void;
  freeze(ms: number): void;
}

export interface MemoryKeyProvider extends KeyProvider {
  readonly loads: number;
  set(stage: Stage, key: string | undefined, version?: string): void;
  failWith(error: (() => unknown) | undefined): void;
  delay: number;
}

export type PriceFault =
  'http-500' | 'http-503' | 'rate-limited' | 'quota' | 'plan' | 'reset' | 'slow' | 'malformed' | 'implausible' | 'huge';

export interface ProviderFixture {
  provider: KeyProvider;
  rotate?(key: string): Promise<void>;
  deny?(): Promise<void>;
  stop?(): Promise<void>;
  cleanUp(): Promise<void>;
}

export interface RecordedCall {
  readonly query?: unknown;
  readonly apiKey: string;
  readonly version: string;
  readonly stage: Stage;
  readonly attempt: number;
}

export interface TestRunner {
  describe(name: string, body: () => void): void;
  it(name: string, body: () => Promise<void>): void;
  expect(value: unknown): any;
}

export declare function assertNoSecret(value: unknown, secret: string): void;

export declare function keyProviderContract(
  name: string,
  create: (key: string) => Promise<ProviderFixture>,
  runner: TestRunner,
): void;

export declare function manualClock(startAt?: number): ManualClock;

export declare function memoryKeyProvider(keys: Partial<Record<Stage, string>>): MemoryKeyProvider;

export declare function recordCalls<F extends (...args: any[]) => any>(
  fn: F,
): F & {
  readonly calls: readonly RecordedCall[];
};

export declare function startFakeKms(options?: FakeKmsOptions): Promise<FakeKms>;

export declare function startFakePriceApi(options?: FakePriceApiOptions): Promise<FakePriceApi>;
