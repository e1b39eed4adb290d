import { checkBoolean, checkInteger, checkOptionNames, describeType, invalidType, KeyedClient } from '../core/index.js';

/** An invocation's context, as far as it is read. */
export interface LambdaContext {
  /** Returns the time until Lambda ends the invocation, in ms. */
  getRemainingTimeInMillis(): number;
  /** The invocation's id. */
  awsRequestId?: string | undefined;
}

/** Options of {@link withGoldKey} and {@link goldKeyMiddleware}. */
export interface LambdaOptions {
  /**
   * Time of the invocation that is kept for the answer, in ms; an integer from 0, default 500. A call's deadline is the
   * smaller of its own and the time left minus this, at least 1.
   */
  margin?: number | undefined;
  /**
   * Longest wait for background loads before the environment may freeze, in ms; an integer from 0, default 1_000. 0: none.
   * It ends `margin / 2` before the invocation does.
   */
  settle?: number | undefined;
  /**
   * Starts a load when the wrapper is made. Only where `AWS_LAMBDA_INITIALIZATION_TYPE` is `on-demand`: with provisioned
   * concurrency nobody calls at once, and the request would freeze half done. A failure shows in the first call, never in
   * the initialisation. Default true.
   */
  prefetch?: boolean | undefined;
}

/** The clients and the options of one wrapper, checked, with defaults. */
export interface CheckedLambdaOptions {
  readonly clients: readonly KeyedClient[];
  readonly margin: number;
  readonly settle: number;
}

/** Checks what a wrapper is given, and starts the load that `prefetch` asks for. `more` lists further option names. */
export function prepareClients(
  of: string,
  clients: KeyedClient | readonly KeyedClient[],
  options: LambdaOptions,
  more: readonly string[] = [],
): CheckedLambdaOptions {
  checkOptionNames(of, options, ['margin', 'settle', 'prefetch', ...more]);
  const checked = {
    clients: checkClients(clients),
    margin: checkInteger('margin', options.margin, 500, 0),
    settle: checkInteger('settle', options.settle, 1_000, 0),
  };
  const isOnDemand = process.env['AWS_LAMBDA_INITIALIZATION_TYPE'] === 'on-demand';
  if (checkBoolean('prefetch', options.prefetch, true) && isOnDemand)
    for (const client of checked.clients) client.prefetch().catch(() => undefined);
  return checked;
}

function checkClients(clients: unknown): readonly KeyedClient[] {
  const list: readonly unknown[] = Array.isArray(clients) ? clients : [clients];
  const wrong = list.length === 0 ? clients : list.find((client) => !(client instanceof KeyedClient));
  if (list.length > 0 && wrong === undefined && !list.includes(undefined)) return [...list] as KeyedClient[];
  const got = list.length === 0 ? 'an empty array' : describeType(wrong);
  throw invalidType(`\`clients\` must be a KeyedClient, or an array of one or more, got ${got}.`);
}
