// Compares what the price API counts of a key's use with what this process made, and stops at the first sign of theft.
//
//   GOLD_API_KEY_CIPHERTEXT   what `goldkey encrypt` printed
//   PRICE_API_URL, USAGE_URL  the price API, and where it tells { "used": number }
//   CHECK_EVERY               ms between two readings, from 1000; default an hour
import { GoldDataClient } from 'goldkey';
import { fromKms } from 'goldkey/kms';
import { metalsApi } from 'goldkey/prices';
import { watch } from 'goldkey/watch';

const { GOLD_API_KEY_CIPHERTEXT, PRICE_API_URL, USAGE_URL, CHECK_EVERY = '3600000' } = process.env;
const gold = new GoldDataClient({
  keyProvider: fromKms({
    ciphertext: GOLD_API_KEY_CIPHERTEXT,
    encryptionContext: { service: 'gold-data-stream', environment: 'production' },
    keyId: 'alias/gold-api-keys',
  }),
  ...metalsApi({ baseUrl: PRICE_API_URL }),
});
const watching = watch(gold, {
  usage: {
    async read({ signal }) {
      const answer = await fetch(USAGE_URL, { signal });
      return { used: Number(Object(await answer.json()).used) };
    },
    tolerance: 20,
    every: Number(CHECK_EVERY),
  },
  failSafe: ['usage-mismatch'],
  onAlert({ kind, severity, value, expected }) {
    console.error(`${severity}: ${kind}: the price API counted ${value} uses, ${expected} were made here`);
  },
});

const timer = setInterval(async () => {
  try {
    console.log((await gold.getPrice('XAU')).price);
  } catch (error) {
    console.error(error.code, error.message);
    clearInterval(timer);
    watching.close();
    await gold.close();
  }
}, 500);
