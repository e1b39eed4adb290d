import { describe, expect, it } from 'vitest';
import { metalsApi, twelveData, type PriceApiOptions } from '../../../src/prices/index.js';

describe('a price API that is given the key', () => {
  it.each(['apiKey', 'api_key', 'key', 'accessKey', 'APIKEY'])(
    'as `%s` says where the key goes, and does not show it',
    (name) => {
      expect(() => metalsApi({ [name]: 'sk_live_4f9aQ2zP7x' } as PriceApiOptions)).toThrow(
        "metalsApi takes no key; give it to the client's `keyProvider`.",
      );
    },
  );

  it('as another option says which options there are', () => {
    expect(() => twelveData({ token: 'sk_live_4f9aQ2zP7x' } as PriceApiOptions)).toThrow(
      /^twelveData has no option `token`/,
    );
  });
});
