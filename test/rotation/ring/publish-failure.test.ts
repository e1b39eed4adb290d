import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { publishFailure } from '../../../src/rotation/ring/publish-failure.js';

const FAILURE = { ring: 'gold', error: new TypeError('holds the key') };
const warnings = vi.fn<(...args: unknown[]) => void>();
const told = vi.fn<(message: unknown, name: string | symbol) => void>();

beforeEach(() => {
  warnings.mockReset();
  told.mockReset();
  const spy = vi.spyOn(process, 'emitWarning').mockImplementation((...args: unknown[]) => warnings(...args));
  onTestFinished(() => spy.mockRestore());
});

/** Publishes the failure on a channel that no other test uses. */
function publish(isTold?: boolean): void {
  publishFailure('two-words-failed', FAILURE, (kind) => `It failed (${kind}).`, isTold);
}

describe('a failure that no caller waits for', () => {
  it('is a warning with the kind of its error where nobody listens', () => {
    publish();

    expect(warnings.mock.calls).toEqual([
      ['It failed (TypeError).', { type: 'GoldKeyWarning', code: 'GOLDKEY_TWO_WORDS_FAILED' }],
    ]);
  });

  it('is no warning where somebody is told in another way', () => {
    publish(true);

    expect(warnings).not.toHaveBeenCalled();
  });

  it.each([true, false])('is published on its channel, and no warning, where somebody listens: %j', (isTold) => {
    subscribe('goldkey:two-words-failed', told);
    onTestFinished(() => void unsubscribe('goldkey:two-words-failed', told));

    publish(isTold);

    expect(told.mock.calls).toEqual([[FAILURE, 'goldkey:two-words-failed']]);
    expect(warnings).not.toHaveBeenCalled();
  });
});
