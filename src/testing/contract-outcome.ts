import { inspect } from 'node:util';

/** How a promise ended. */
export interface SettledOutcome {
  readonly status: 'fulfilled' | 'rejected' | 'still pending';
  readonly error?: unknown;
}

/** How `promise` has ended within `ms`. */
export async function outcomeOf(promise: Promise<unknown>, ms: number): Promise<SettledOutcome> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<SettledOutcome>((resolve) => {
    timer = setTimeout(() => {
      resolve({ status: 'still pending' });
    }, ms);
  });
  const ended = promise.then(
    (): SettledOutcome => ({ status: 'fulfilled' }),
    (error: unknown): SettledOutcome => ({ status: 'rejected', error }),
  );
  const outcome = await Promise.race([ended, late]);
  clearTimeout(timer);
  return outcome;
}

/** Whether `promise` settles without the event loop turning: no file, socket or timer was waited for. */
export async function settlesAtOnce(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = (): void => {
    settled = true;
  };
  promise.then(note, note);
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
  return settled;
}

/** The part of an invented key that every encoding but these three leaves as it is. */
const PLAIN_LENGTH = 24;

/**
 * Whether anything that can be printed of `value` holds `key`, which starts with {@link PLAIN_LENGTH} letters and
 * digits: as text, URL- or JSON-escaped, in base64, in hex, or as the numbers of its bytes.
 */
export function mentions(value: unknown, key: string): boolean {
  const plain = Buffer.from(key.slice(0, PLAIN_LENGTH));
  const hex = plain.toString('hex');
  const needles = [
    plain.toString(),
    plain.toString('base64'),
    hex,
    (hex.match(/../g) ?? []).join(' '),
    [...plain].join(','),
    [...plain].join(', '),
  ];
  const shown = printed(value);
  return needles.some((needle) => shown.includes(needle));
}

function printed(value: unknown): string {
  const options = { showHidden: true, depth: 20, maxArrayLength: null, maxStringLength: null, breakLength: Infinity };
  const text = inspect(value, options).replace(/\s+/g, ' ');
  const stack = value instanceof Error ? `${value.message} ${String(value.stack)}` : '';
  return `${text} ${stack} ${json(value)}`;
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '';
  }
}
