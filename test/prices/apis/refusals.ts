import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  PriceApiError,
  type PriceApi,
  type PriceApiErrorKind,
  type PriceApiOptions,
} from '../../../src/prices/index.js';
import { contextOf, rejection, scriptedApi } from '../scripted-api.js';

/** An answer of a vendor, and what it means. */
export type Refusal = readonly [label: string, status: number, body: unknown, kind: PriceApiErrorKind];

/** Holds a price API to what each answer means; no word of the vendor's may get into a message. */
export function describeRefusals(make: (options: PriceApiOptions) => PriceApi, refusals: readonly Refusal[]): void {
  describe('refusals', () => {
    const context = contextOf('test-key-0123');
    let api: Awaited<ReturnType<typeof scriptedApi>>;

    beforeAll(async () => {
      api = await scriptedApi({});
    });
    afterAll(() => api[Symbol.asyncDispose]());

    it.each(refusals)('%s under HTTP %i: %#', async (_, status, body, kind) => {
      api.answer({ status, body, headers: { 'retry-after': '7' } });
      const adapter = make({ baseUrl: api.baseUrl });

      const error = await rejection(adapter.fetchPrice('XAU', context));

      expect(error).toBeInstanceOf(PriceApiError);
      expect(error).toMatchObject({ kind, status });
      const passes = kind === 'transient' || kind === 'rate-limited';
      expect((error as PriceApiError).retryable).toBe(passes);
      expect(adapter.isKeyRejected({ error })).toBe(kind === 'key-rejected');
      if (kind === 'rate-limited') expect((error as PriceApiError).retryAfter).toBe(7_000);
      expect((error as Error).message).not.toMatch(/words|upgrade|premium|credits|Contact/i);
    });
  });
}

const page = '<html><h1>words</h1></html>';

/** What is the same at every vendor: the status speaks where no body does. */
export const PAGES: readonly Refusal[] = [
  ['a page', 401, page, 'key-rejected'],
  ['a page', 404, page, 'bad-request'],
  ['a page', 429, page, 'rate-limited'],
  ['a page', 500, page, 'transient'],
  ['a page', 503, page, 'transient'],
  ['a page', 200, page, 'transient'],
  ['a redirect', 302, page, 'bad-request'],
  ['nothing', 200, '', 'transient'],
  ['an array', 200, '[]', 'transient'],
  ['an empty object', 200, '{}', 'transient'],
];
