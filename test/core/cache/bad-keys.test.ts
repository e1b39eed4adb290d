import { describe, expect, it } from 'vitest';
import { KeyedClient, type LoadedKey } from '../../../src/index.js';
import { assertNoSecret, manualClock } from '../../../src/testing/index.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function failureOf(answer: unknown): Promise<Error> {
  const client = new KeyedClient({
    keyProvider: { name: 'odd', load: async () => answer as LoadedKey },
    clock: manualClock(1_000_000),
  });
  const error = await client.withKey(async ({ apiKey }) => apiKey).catch((reason: unknown) => reason as Error);
  await client.close();
  return error as Error;
}

describe('a store that answers', () => {
  it.each([
    ['nothing', undefined, 'ERR_GOLDKEY_NOT_FOUND', false, 'no current key'],
    ['null', null, 'ERR_GOLDKEY_PROVIDER', true, '`version`'],
    ['no version', { bytes: bytes('a-good-key-1') }, 'ERR_GOLDKEY_PROVIDER', true, '`version`'],
    ['no bytes', { version: '1' }, 'ERR_GOLDKEY_PROVIDER', true, '`bytes`'],
    ['a text for bytes', { version: '1', bytes: 'a-good-key-1' }, 'ERR_GOLDKEY_PROVIDER', true, '`bytes`'],
    ['an unknown version unchanged', { version: '1', unchanged: true }, 'ERR_GOLDKEY_PROVIDER', true, 'not held'],
    [
      'an expiry that is no number',
      { version: '1', bytes: bytes('a-good-key-1'), expiresAt: NaN },
      'ERR_GOLDKEY_PROVIDER',
      true,
      '`expiresAt`',
    ],
    [
      'an expiry in the past',
      { version: '1', bytes: bytes('a-good-key-1'), expiresAt: 999_999 },
      'ERR_GOLDKEY_PROVIDER',
      true,
      'had expired',
    ],
    [
      'an end in the past',
      { version: '1', bytes: bytes('a-good-key-1'), until: 1_000_000 },
      'ERR_GOLDKEY_PROVIDER',
      true,
      'had expired',
    ],
    ['an empty key', { version: '1', bytes: bytes('') }, 'ERR_GOLDKEY_FORMAT', false, 'empty'],
    ['a newline alone', { version: '1', bytes: bytes('\n') }, 'ERR_GOLDKEY_FORMAT', false, 'empty'],
    ['7 characters', { version: '1', bytes: bytes('1234567') }, 'ERR_GOLDKEY_FORMAT', false, 'only 7 characters'],
    [
      '7 characters and a newline',
      { version: '1', bytes: bytes('1234567\n') },
      'ERR_GOLDKEY_FORMAT',
      false,
      'only 7 characters',
    ],
    [
      'white space inside',
      { version: '1', bytes: bytes('key with spaces') },
      'ERR_GOLDKEY_FORMAT',
      false,
      'white space (0x20) at position 3',
    ],
    [
      'a tab inside',
      { version: '1', bytes: bytes('some\tkeyhere') },
      'ERR_GOLDKEY_FORMAT',
      false,
      'white space (0x09) at position 4',
    ],
    [
      'two newlines at the end',
      { version: '1', bytes: bytes('a-good-key-1\n\n') },
      'ERR_GOLDKEY_FORMAT',
      false,
      'white space (0x0a) at position 12',
    ],
    [
      'a control character',
      { version: '1', bytes: bytes('some\u0001keyhere') },
      'ERR_GOLDKEY_FORMAT',
      false,
      'control character (0x01) at position 4',
    ],
    [
      'a non-ASCII character',
      { version: '1', bytes: bytes('schlüssel-01') },
      'ERR_GOLDKEY_FORMAT',
      false,
      'non-ASCII byte (0xc3) at position 4',
    ],
    ['a delete character', { version: '1', bytes: bytes('some\u007fkeyhere') }, 'ERR_GOLDKEY_FORMAT', false, '0x7f'],
  ])('%s gives a typed error that says so', async (_, answer, code, retryable, said) => {
    const error = await failureOf(answer);
    expect(error).toMatchObject({ code, retryable, message: expect.stringContaining(said) });
  });

  it('a malformed key does not show it', async () => {
    const error = await failureOf({ version: '1', bytes: bytes('secret-part with-a-space') });
    assertNoSecret(error, 'secret-part');
    assertNoSecret(error, 'with-a-space');
  });

  it.each(['\n', '\r\n'])('a trailing newline (%j) has it trimmed, and says so', async (end) => {
    const client = new KeyedClient({
      keyProvider: { name: 'file', load: async () => ({ bytes: bytes(`a-good-key-1${end}`), version: '1' }) },
    });
    const trimmed: unknown[] = [];
    client.on('trimmed', (event) => trimmed.push(event));

    expect(await client.withKey(async ({ apiKey }) => apiKey)).toBe('a-good-key-1');

    expect(trimmed).toEqual([
      { name: 'file', provider: 'file', stage: 'current', version: '1', at: expect.any(Number) as number },
    ]);
    await client.close();
  });

  it('printable ASCII of 8 characters is taken as it is', async () => {
    const key = '!"#$%&\'()*+,-./0123456789:;<=>?@AZ[\\]^_`az{|}~';
    for (const text of ['12345678', key]) {
      const client = new KeyedClient({
        keyProvider: { name: 'x', load: async () => ({ bytes: bytes(text), version: '1' }) },
      });
      expect(await client.withKey(async ({ apiKey }) => apiKey)).toBe(text);
      await client.close();
    }
  });
});
