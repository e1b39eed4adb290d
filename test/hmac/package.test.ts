import { expect, it, vi } from 'vitest';
import { loadSignatures } from '../../src/hmac/package.js';

vi.mock('http-message-signatures', () => {
  throw new Error('a file of it is broken');
});

it('The package for RFC 9421 is named, with its install line, where it cannot be loaded', async () => {
  await expect(loadSignatures()).rejects.toMatchObject({
    name: 'KeyProviderError',
    provider: 'hmac',
    message:
      'goldkey/hmac needs the package for RFC 9421, which could not be read (Error): check that its files are whole and may be read, or install it again (npm install http-message-signatures); the next use tries again.',
  });
});
