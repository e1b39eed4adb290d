import { describe, expect, it } from 'vitest';
import { fromKmsLight } from '../../src/providers/kms-light/index.js';
import { fromKms } from '../../src/providers/kms/index.js';
import { fromSecretsManager } from '../../src/providers/secrets-manager/index.js';

const good = { ciphertext: 'A'.repeat(100), encryptionContext: {} };

describe('an option that another library has', () => {
  it.each([
    [
      () => fromKms({ ...good, endpoint: 'https://x' } as never),
      'fromKms has no option `endpoint`; give it in `clientConfig`.',
    ],
    [
      () => fromKms({ ...good, credentials: {} } as never),
      'fromKms has no option `credentials`; give it in `clientConfig`.',
    ],
    [
      () => fromSecretsManager({ secretId: 'gold', profile: 'prod' } as never),
      'fromSecretsManager has no option `profile`; give it in `clientConfig`.',
    ],
    [
      () => fromKms({ ...good, apiKey: 'x' } as never),
      'fromKms takes no key in plaintext; encrypt it with `goldkey encrypt` and give the result as `ciphertext`.',
    ],
    [
      () => fromKmsLight({ ...good, context: {} } as never),
      'fromKmsLight has no option `context`; did you mean `encryptionContext`?',
    ],
  ])('%# is told where its value belongs', (make, message) => {
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message }));
  });
});
