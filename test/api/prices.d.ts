import type {
  CallOptions,
  Clock,
  GoldKeyError,
  GoldKeyErrorCode,
  GoldKeyErrorOptions,
  KeyContext,
  Outcome,
} from 'goldkey';

export interface FirstAvailable extends PriceClient, AsyncDisposable {
  close(): Promise<void>;
}

export type FirstAvailableCallOptions = Pick<CallOptions, 'signal' | 'timeout'>;

export interface FirstAvailableOptions {
  timeout?: number | undefined;
  cooldown?: number | undefined;
  clock?: Clock | undefined;
}

export interface PriceApi {
  fetchPrice(query: string | PriceQuery, context: KeyContext): Promise<Quote>;
  fetchPrices?: ((queries: ReadonlyArray<string | PriceQuery>, context: KeyContext) => Promise<Quote[]>) | undefined;
  isKeyRejected(outcome: Outcome): boolean;
  isTransient(outcome: Outcome): boolean;
}

export declare class PriceApiError extends GoldKeyError {
  static readonly code: GoldKeyErrorCode;
  readonly kind: PriceApiErrorKind;
  readonly source: string;
  readonly status?: number | undefined;
  constructor(message: string, options: PriceApiErrorOptions);
}

export type PriceApiErrorKind =
  'key-rejected' | 'quota' | 'rate-limited' | 'plan' | 'bad-request' | 'implausible' | 'transient';

export interface PriceApiErrorOptions extends GoldKeyErrorOptions {
  kind: PriceApiErrorKind;
  source: string;
  status?: number | undefined;
}

export interface PriceApiOptions {
  baseUrl?: string | undefined;
  currency?: string | undefined;
  unit?: Quote['unit'] | undefined;
  maxAge?: number | undefined;
  maxChange?: number | undefined;
  bounds?: Readonly<Record<string, readonly [min: number, max: number]>> | undefined;
  maxBodySize?: number | undefined;
  dispatcher?: object | undefined;
  fetch?: typeof globalThis.fetch | undefined;
}

export interface PriceClient {
  getPrice(query?: string | PriceQuery, options?: FirstAvailableCallOptions): Promise<Quote>;
  getPrices(queries: ReadonlyArray<string | PriceQuery>, options?: FirstAvailableCallOptions): Promise<Quote[]>;
  close?(): Promise<void>;
}

export interface PriceQuery {
  metal: string;
  currency?: string | undefined;
}

export interface Quote {
  metal: string;
  currency: string;
  price: number;
  unit: 'troy_ounce' | 'gram' | 'kilogram' | 'tola';
  bid?: number | undefined;
  ask?: number | undefined;
  timestamp: number;
  source: string;
  direction: 'direct' | 'inverted';
  raw: unknown;
}

export declare function apiNinjas(options?: PriceApiOptions): PriceApi;

export declare function commoditiesApi(options?: PriceApiOptions): PriceApi;

export declare function firstAvailable(
  clients: readonly PriceClient[],
  options?: FirstAvailableOptions,
): FirstAvailable;

export declare function goldApi(options?: PriceApiOptions): PriceApi;

export declare function metalPriceApi(options?: PriceApiOptions): PriceApi;

export declare function metalsApi(options?: PriceApiOptions): PriceApi;

export declare function metalsDev(options?: PriceApiOptions): PriceApi;

export declare function twelveData(options?: PriceApiOptions): PriceApi;
