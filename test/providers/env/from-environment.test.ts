import { afterEach, describe, expect, it, vi } from 'vitest';
import { KeyedClient } from '../../../src/core/index.js';
import { fromEnvironment } from '../../../src/providers/env/index.js';
import { assertNoSecret } from '../../../src/testing/index.js';
import { failure, request, text } from '../loading.js';

const KEY = 'sk-invented/+&=0123456789';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('a key in the environment', () => {
  it('is read anew by each load, has a version of its own, and is `current` only', async () => {
    vi.stubEnv('GOLD_API_KEY', KEY);
    const provider = fromEnvironment('GOLD_API_KEY');
    const first = await provider.load(request());
    const known = [first?.version ?? ''];

    expect([text(first), provider.plaintextAtRest]).toEqual([KEY, true]);
    expect(await provider.load(request(undefined, { known }))).toEqual({ unchanged: true, version: known[0] });
    vi.stubEnv('GOLD_API_KEY', `${KEY}-next`);
    expect(text(await provider.load(request(undefined, { known })))).toBe(`${KEY}-next`);
    expect(await provider.load(request(undefined, { stage: 'previous' }))).toBeUndefined();
  });

  it('is refused at once in production, unless that is allowed', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    vi.stubEnv('GOLD_API_KEY', KEY);

    expect(() => fromEnvironment('GOLD_API_KEY')).toThrow(
      expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' }),
    );
    expect(text(await fromEnvironment('GOLD_API_KEY', { allowInProduction: true }).load(request()))).toBe(KEY);
  });

  it('is refused by a load when production is told of later', async () => {
    vi.stubEnv('GOLD_API_KEY', KEY);
    const provider = fromEnvironment('GOLD_API_KEY');
    vi.stubEnv('NODE_ENV', 'production');

    const error = await failure(provider.load(request()));

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED', retryable: false });
    assertNoSecret(error, KEY);
  });

  it('is not set where only every object has the name', async () => {
    const error = await failure(fromEnvironment('constructor').load(request()));

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_NOT_FOUND' });
  });

  it.each([
    ['not set', undefined, 'ERR_GOLDKEY_NOT_FOUND', '`GOLD_API_KEY` is not set'],
    ['empty', '', 'ERR_GOLDKEY_FORMAT', 'empty'],
    ['5 MB', 'é'.repeat(2_500_000), 'ERR_GOLDKEY_FORMAT', 'non-ASCII'],
    ['in quotes with a space', `" ${KEY}"`, 'ERR_GOLDKEY_FORMAT', 'white space'],
  ])('%s: an error that is not retryable', async (_, value, code, says) => {
    vi.stubEnv('GOLD_API_KEY', value);
    const client = new KeyedClient({ keyProvider: fromEnvironment('GOLD_API_KEY') });

    const error = await failure(client.withKey(async ({ apiKey }) => apiKey));
    await client.close();

    expect(error).toMatchObject({ code, retryable: false, provider: 'environment' });
    expect((error as Error).message).toContain(says);
    assertNoSecret(error, KEY);
  });

  it('is not shown when it was given in the place of the name', async () => {
    assertNoSecret(await failure(fromEnvironment(KEY).load(request())), KEY);
  });

  it.each([[['']], [[undefined]], [['A', { allowInProd: true }]], [['A', { allowInProduction: 1 }]], [['A', null]]])(
    '%j is refused at once',
    (args) => {
      expect(() => fromEnvironment(...(args as [string]))).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }),
      );
    },
  );
});
