import type { KeyedClient } from 'goldkey';

export interface GoldKeyMiddleware {
  before: (request: any) => unknown;
  after: (request: any) => unknown;
  onError: (request: any) => unknown;
}

export interface GoldKeyMiddlewareOptions extends LambdaOptions {
  internalKey?: string | undefined;
}

export interface LambdaContext {
  getRemainingTimeInMillis(): number;
  awsRequestId?: string | undefined;
}

export interface LambdaOptions {
  margin?: number | undefined;
  settle?: number | undefined;
  prefetch?: boolean | undefined;
}

export declare function goldKeyMiddleware(
  clients: KeyedClient | readonly KeyedClient[],
  options?: GoldKeyMiddlewareOptions,
): GoldKeyMiddleware;

export declare function withGoldKey<H extends (event: never, context: never, ...rest: never[]) => Promise<unknown>>(
  clients: KeyedClient | readonly KeyedClient[],
  handler: H,
  options?: LambdaOptions,
): H;
