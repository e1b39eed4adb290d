import { describe, expect, it } from 'vitest';
import { KeyedClient } from '../../src/index.js';
import { memoryKeyProvider } from '../../src/testing/index.js';
import { watch, type WatchOptions } from '../../src/watch/index.js';
import { KEY } from './scene.js';

const client = new KeyedClient({ keyProvider: memoryKeyProvider({ current: KEY }) });
const start = (options: object): void =>
  watch(client, { onAlert: () => undefined, ...options } as WatchOptions).close();
const usage = { read: async () => ({ used: 1 }), tolerance: 0, every: 1_000 };

describe('the options of a watch', () => {
  it.each<[string, object, RegExp]>([
    ['a window under a second', { window: 999 }, /`window`/],
    ['a factor of 1', { factor: 1 }, /`factor` must be a number above 1/],
    ['a factor that is no number', { factor: '5' }, /`factor` must be a number, got a value of type string/],
    ['an infinite factor', { factor: Infinity }, /`factor`/],
    ['a `min` of 0', { min: 0 }, /`min`/],
    ['no warm-up', { warmUp: 0 }, /`warmUp`/],
    ['an age of 0', { maxAge: 0 }, /`maxAge`/],
    ['a warning longer before than the age', { maxAge: 10, warnBefore: 11 }, /`warnBefore`/],
    ['a time of 0 without use', { unusedAfter: 0 }, /`unusedAfter`/],
    ['no refusal', { rejections: 0 }, /`rejections`/],
    ['no `onAlert`', { onAlert: undefined }, /`onAlert` must be a function, got undefined/],
    ['an `onAlert` that is no function', { onAlert: KEY }, /`onAlert` must be a function, got a value of type string/],
    ['a usage without `read`', { usage: { ...usage, read: undefined } }, /`usage.read` must be a function/],
    ['a usage without `tolerance`', { usage: { ...usage, tolerance: undefined } }, /needs `tolerance` and `every`/],
    ['a usage read too often', { usage: { ...usage, every: 999 } }, /`usage.every`/],
    ['a usage with another option', { usage: { ...usage, reads: 1 } }, /has no option `reads`/],
    ['a fail-safe that is no list', { failSafe: 'spike' }, /`failSafe` must be a list/],
    ['a fail-safe on age', { failSafe: ['age'] }, /`failSafe` may list spike, rejections, usage-mismatch, break-glass/],
    ['a fail-safe on no use', { failSafe: ['unused'] }, /no attack/],
    ['a fail-safe on something else', { failSafe: [KEY] }, /got something else/],
    ['an unknown option', { spike: 1 }, /watch has no option `spike`/],
  ])('refuse %s', (_what, options, message) => {
    expect(() => start(options)).toThrow(message);
    expect(() => start(options)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  });

  it('take longest times: a year', () => {
    expect(() => start({ maxAge: 31_536_000_000, unusedAfter: 31_536_000_000 })).not.toThrow();
  });

  it('take a `maxAge` shorter than the usual warning', () => {
    expect(() => start({ maxAge: 1_000 })).not.toThrow();
  });

  it.each<[string, unknown, RegExp]>([
    ['no client', [], /got an empty list/],
    ['something else', {}, /`clients` must be a KeyedClient/],
    ['something else in the list', [client, KEY], /`clients\[1\]` must be a KeyedClient, got a value of type string/],
  ])('are refused with %s', (_what, clients, message) => {
    expect(() => watch(clients as KeyedClient, { onAlert: () => undefined })).toThrow(message);
  });
});
