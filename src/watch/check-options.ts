import {
  checkInteger,
  checkOptionNames,
  checkOptionalFunction,
  describeType,
  invalidRange,
  invalidType,
  KeyedClient,
} from '../core/index.js';
import type { Alert, WatchOptions } from './types.js';

const DAY_MS = 86_400_000;
const MIN_INTERVAL_MS = 1_000;
const MAX = Number.MAX_SAFE_INTEGER;
const HOLDING: ReadonlyArray<Alert['kind']> = ['spike', 'rejections', 'usage-mismatch', 'break-glass'];
const NAMES: ReadonlyArray<keyof WatchOptions> = [
  'window',
  'factor',
  'min',
  'warmUp',
  'maxAge',
  'warnBefore',
  'unusedAfter',
  'rejections',
  'usage',
  'onAlert',
  'failSafe',
];

/** {@link WatchOptions}, checked, with defaults. */
export interface CheckedWatchOptions {
  readonly window: number;
  readonly factor: number;
  readonly min: number;
  readonly warmUp: number;
  readonly maxAge: number;
  readonly warnBefore: number;
  readonly unusedAfter: number;
  readonly rejections: number;
  readonly usage: NonNullable<WatchOptions['usage']> | undefined;
  readonly onAlert: (alert: Alert) => unknown;
  readonly failSafe: ReadonlySet<Alert['kind']>;
}

/** Returns the options of a watch with their defaults. */
export function checkWatchOptions(options: WatchOptions): CheckedWatchOptions {
  checkOptionNames('watch', options, NAMES);
  const onAlert = checkOptionalFunction('onAlert', options.onAlert as WatchOptions['onAlert'] | undefined);
  if (onAlert === undefined) throw invalidType('`onAlert` must be a function, got undefined.');
  const maxAge = checkInteger('maxAge', options.maxAge, 90 * DAY_MS, 1, MAX);
  return {
    window: checkInteger('window', options.window, 60_000, MIN_INTERVAL_MS),
    factor: checkFactor(options.factor),
    min: checkInteger('min', options.min, 100, 1, MAX),
    warmUp: checkInteger('warmUp', options.warmUp, 30, 1, MAX),
    maxAge,
    warnBefore: checkInteger('warnBefore', options.warnBefore, Math.min(14 * DAY_MS, maxAge), 0, maxAge),
    unusedAfter: checkInteger('unusedAfter', options.unusedAfter, 30 * DAY_MS, 1, MAX),
    rejections: checkInteger('rejections', options.rejections, 10, 1, MAX),
    usage: checkUsage(options.usage),
    onAlert,
    failSafe: checkFailSafe(options.failSafe),
  };
}

/** Returns the clients as a list without repeats. */
export function checkClients(clients: KeyedClient | readonly KeyedClient[]): KeyedClient[] {
  const list: readonly unknown[] = Array.isArray(clients) ? clients : [clients];
  const wrong = list.findIndex((client) => !(client instanceof KeyedClient));
  if (list.length === 0) throw invalidType('`clients` must be a client or a list of clients, got an empty list.');
  if (wrong >= 0) {
    const name = Array.isArray(clients) ? `clients[${String(wrong)}]` : 'clients';
    throw invalidType(`\`${name}\` must be a KeyedClient, got ${describeType(list[wrong])}.`);
  }
  return [...new Set(list as readonly KeyedClient[])];
}

function checkFactor(factor: number | undefined): number {
  if (factor === undefined) return 5;
  if (typeof factor !== 'number') throw invalidType(`\`factor\` must be a number, got ${describeType(factor)}.`);
  if (factor > 1 && Number.isFinite(factor)) return factor;
  throw invalidRange(`\`factor\` must be a number above 1, got ${describeType(factor)}.`);
}

function checkUsage(usage: WatchOptions['usage']): CheckedWatchOptions['usage'] {
  if (usage === undefined) return undefined;
  checkOptionNames('`usage`', usage, ['read', 'tolerance', 'every']);
  const { read, tolerance, every } = usage as Partial<typeof usage>;
  if (typeof read !== 'function') throw invalidType(`\`usage.read\` must be a function, got ${describeType(read)}.`);
  if (tolerance === undefined || every === undefined)
    throw invalidType('`usage` needs `tolerance` and `every`; see how late and how exact the price API counts.');
  return {
    read: (options) => read.call(usage, options),
    tolerance: checkInteger('usage.tolerance', tolerance, 0, 0, MAX),
    every: checkInteger('usage.every', every, MIN_INTERVAL_MS, MIN_INTERVAL_MS),
  };
}

function checkFailSafe(kinds: WatchOptions['failSafe']): ReadonlySet<Alert['kind']> {
  if (kinds === undefined) return new Set();
  if (!Array.isArray(kinds)) throw invalidType(`\`failSafe\` must be a list, got ${describeType(kinds)}.`);
  for (const kind of kinds as readonly unknown[]) {
    if (HOLDING.includes(kind as Alert['kind'])) continue;
    throw invalidRange(
      `\`failSafe\` may list ${HOLDING.join(', ')}, got something else; an old or unused key is no attack.`,
    );
  }
  return new Set(kinds as ReadonlyArray<Alert['kind']>);
}
