// The same with Node's own runner: node --test node-test.mjs
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { GoldDataClient, KeyRejectedError } from 'goldkey';
import { memoryKeyProvider } from 'goldkey/testing';
import { priceAlert } from './price-alert.mjs';

it('a key that every answer refuses is an error with a code', async () => {
  const gold = new GoldDataClient({
    keyProvider: memoryKeyProvider({ current: 'invented-key-0001' }),
    async fetchPrice() {
      throw Object.assign(new Error('refused'), { status: 401 });
    },
  });

  await assert.rejects(priceAlert(gold, { symbol: 'XAU', above: 1 }), (error) => {
    assert.ok(error instanceof KeyRejectedError);
    assert.equal(error.code, 'ERR_GOLDKEY_REJECTED');
    return true;
  });
  await gold.close();
});
