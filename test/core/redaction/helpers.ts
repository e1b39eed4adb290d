import { expect, vi } from 'vitest';
import type { GoneForm } from '../../../src/core/redaction/gone-keys.js';
import * as redact from '../../../src/core/redaction/redact.js';
import { SPECIAL } from './encodings.js';
import { allLeaks, leaks } from './leaks.js';
import { photograph } from './snapshot.js';

export const REDACTED = '[REDACTED]';
export const NOT_SEARCHED = '[REDACTED: not searched]';

/**
 * Runs `search` while time stands still. The search ends after 20 ms, and a machine that stalls for that long would
 * make a test fail that is about something else; bounds.test.ts goes without this.
 */
function unhurried<T>(search: () => T): T {
  const now = vi.spyOn(performance, 'now').mockReturnValue(1);
  try {
    return search();
  } finally {
    now.mockRestore();
  }
}

export const scrub = (thrown: unknown, secrets: readonly string[], gone?: readonly GoneForm[]): unknown =>
  unhurried(() => redact.scrub(thrown, secrets, gone));

export const redactValue = <T>(value: T, secrets: readonly string[], gone?: readonly GoneForm[]): T =>
  unhurried(() => redact.redactValue(value, secrets, gone));

/** Scrubs `thrown`, after a check that it does leak and with one that what leaves does not. */
export function scrubbed<T>(thrown: T, key: string = SPECIAL): T {
  expect(leaks(thrown, key), 'the sample must hold the key, or this test can never fail').toBe(true);
  const left = scrub(thrown, [key]);
  expect(allLeaks(left, key).join('\n')).toBe('');
  return left as T;
}

/** The same through `redactValue`, which must change nothing at all. */
export function redacted<T>(value: T, key: string = SPECIAL): T {
  expect(leaks(value, key), 'the sample must hold the key, or this test can never fail').toBe(true);
  const changes = photograph(value);
  const copy = redactValue(value, [key]);
  expect(allLeaks(copy, key).join('\n')).toBe('');
  expect(changes()).toEqual([]);
  return copy;
}

/** An error with `extra` hanging on it, as a caller's own function would throw it. */
export function errorWith<T>(extra: T): Error & { extra: T } {
  return Object.assign(new Error('the call failed'), { extra });
}

/** Scrubs an error on which `extra` hangs; `extra` itself must stay as it is. Returns what hangs there afterwards. */
export function scrubbedOnError<T>(extra: T, key: string = SPECIAL): T {
  const error = errorWith(extra);
  const changes = photograph(extra);
  const left = scrubbed(error, key);
  expect(left).toBe(error);
  expect(changes(), 'what hung on the error may be in use elsewhere').toEqual([]);
  return left.extra;
}
