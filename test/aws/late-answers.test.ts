import { describe, expect, it, onTestFinished } from 'vitest';
import type { KeyProvider } from '../../src/core/index.js';
import { fromKms } from '../../src/providers/kms/index.js';
import { fromSecretsManager } from '../../src/providers/secrets-manager/index.js';
import { failure } from '../providers/loading.js';

/** A client of the caller's whose one answer comes when the test gives it. */
function lateClient(): { client: object; asked: Promise<void>; answer: (value: unknown) => void } {
  let ask = (): void => undefined;
  let answer: (value: unknown) => void = () => undefined;
  const asked = new Promise<void>((resolve) => (ask = resolve));
  const answered = new Promise((resolve) => (answer = resolve));
  const send = (): Promise<unknown> => {
    ask();
    return answered;
  };
  return { client: { send, config: {} }, asked, answer };
}

const stores: [string, (client: object) => KeyProvider][] = [
  ['KMS', (client) => fromKms({ ciphertext: Buffer.alloc(200, 7), encryptionContext: { service: 'gold' }, client })],
  ['Secrets Manager', (client) => fromSecretsManager({ secretId: 'gold', client })],
];

/** Has a client answer once its load was given up. Resolves to the load's error, and to what nobody handled. */
async function giveUpThenAnswer(create: (client: object) => KeyProvider, value: unknown): Promise<unknown[]> {
  const unhandled: unknown[] = [];
  const listener = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', listener);
  onTestFinished(() => void process.off('unhandledRejection', listener));
  const { client, asked, answer } = lateClient();
  const ending = new AbortController();
  const loading = failure(create(client).load({ stage: 'current', signal: ending.signal }));
  await asked;
  ending.abort(new Error('given up'));
  answer(value);
  const error = await loading;
  await new Promise((resolve) => setImmediate(resolve));
  return [error, ...unhandled];
}

describe.each(stores)('an answer of %s that comes too late', (_, create) => {
  it.each([
    ['undefined, as a mock answers what it does not know', undefined],
    ['null', null],
    ['text', 'late'],
    ['text for bytes', { Plaintext: 'late', SecretBinary: 'late' }],
  ])('and is %s ends nobody', async (_what, value) => {
    const [error, ...unhandled] = await giveUpThenAnswer(create, value);

    expect(error).toMatchObject({ message: 'given up' });
    expect(unhandled).toEqual([]);
  });

  it('is zeroed', async () => {
    const bytes = new TextEncoder().encode('invented-key-4711');

    const [error, ...unhandled] = await giveUpThenAnswer(create, { Plaintext: bytes, SecretBinary: bytes });

    expect(error).toMatchObject({ message: 'given up' });
    expect(unhandled).toEqual([]);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
  });
});
