import { describe, expect, it, vi } from 'vitest';
import { SecretMatcher } from '../../../src/core/index.js';
import { parseRedacted } from '../../../src/prices/adapter/redact-answer.js';

const KEY = 'test-key-0001';
const OTHER = 'another-secret-42';
const answer = (note: string): string => JSON.stringify({ price: 2000, note });

/** Parses texts one after the other. Returns the notes, and how often the key was looked for. */
function parseAll(key: SecretMatcher, texts: readonly string[]): { notes: unknown[]; searches: number } {
  const contains = vi.spyOn(key, 'contains');
  const notes = texts.map((text) => (parseRedacted(text, key) as { note?: unknown }).note);
  const searches = contains.mock.calls.length;
  contains.mockRestore();
  return { notes, searches };
}

describe('an answer', () => {
  it('that is the same as the last one is not searched again, and is an object of its own', () => {
    const key = new SecretMatcher([KEY]);
    const [one, other] = [parseRedacted(answer('a'), key), parseRedacted(answer('a'), key)];

    expect(one).toEqual(other);
    expect(one).not.toBe(other);
    expect(parseAll(key, [answer('a'), answer('b'), answer('b'), answer('a')])).toEqual({
      notes: ['a', 'b', 'b', 'a'],
      searches: 2,
    });
  });

  it('with a key in it loses it each time', () => {
    const { notes } = parseAll(new SecretMatcher([KEY]), [answer(KEY), answer(KEY)]);

    expect(notes).toEqual(['[REDACTED]', '[REDACTED]']);
  });

  it('that one key was not in is searched for another key', () => {
    const text = answer(OTHER);

    expect(parseAll(new SecretMatcher([KEY]), [text]).notes).toEqual([OTHER]);
    expect(parseAll(new SecretMatcher([OTHER]), [text]).notes).toEqual(['[REDACTED]']);
  });

  it('that is long is not remembered', () => {
    const text = answer('x'.repeat(5_000));

    expect(parseAll(new SecretMatcher([KEY]), [text, text]).searches).toBe(2);
  });
});
