// The HTTP request itself is mocked: an undici MockAgent as `dispatcher`, or a `fetch` that the mocking library patches.
import { GoldDataClient, KeyRejectedError } from 'goldkey';
import { metalsApi } from 'goldkey/prices';
import { memoryKeyProvider } from 'goldkey/testing';
import { MockAgent } from 'undici';
import { expect, it } from 'vitest';

const keyProvider = () => memoryKeyProvider({ current: 'invented-key-0001' });
// Of now: a price older than a week is refused.
const timestamp = Math.floor(Date.now() / 1000);
const rates = { success: true, base: 'USD', timestamp, rates: { USDXAU: 2_199.5, XAU: 1 / 2_199.5 } };

it('a MockAgent answers for the price API', async () => {
  const agent = new MockAgent();
  agent.disableNetConnect();
  agent
    .get('https://metals-api.com')
    .intercept({ path: (path) => path.startsWith('/api/latest?') })
    .reply(200, rates);
  const gold = new GoldDataClient({ keyProvider: keyProvider(), ...metalsApi({ dispatcher: agent }) });

  expect((await gold.getPrice('XAU')).price).toBe(2_199.5);
  await gold.close();
  await agent.close();
});

it('a fetch of the test answers for the price API', async () => {
  // nock and msw patch the global fetch: give `fetch: (...args) => fetch(...args)`, which finds the patched one.
  const refuse = async () => Response.json({ success: false, error: { code: 101 } }, { status: 401 });
  const gold = new GoldDataClient({ keyProvider: keyProvider(), ...metalsApi({ fetch: refuse }) });

  await expect(gold.getPrice('XAU')).rejects.toThrow(KeyRejectedError);
  await gold.close();
});
