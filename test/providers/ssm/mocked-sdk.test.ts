import { expect, it, vi } from 'vitest';
import { fromSsm } from '../../../src/providers/ssm/index.js';
import { request, text } from '../loading.js';

// As a user's test writes it: without the SDK's middleware, and without `destroy`.
vi.mock('@aws-sdk/client-ssm', () => {
  const send = async () => ({ Parameter: { Type: 'SecureString', Value: 'a-key-from-a-module', Version: 1 } });
  return {
    SSMClient: class {
      send = send;
    },
    GetParameterCommand: vi.fn(function () {}),
  };
});

it('a mocked SDK reaches fromSsm, whose client may have nothing but `send`', async () => {
  const keys = fromSsm({ name: 'gold' });

  expect(text(await keys.load(request()))).toBe('a-key-from-a-module');
  await keys.close?.();
});
