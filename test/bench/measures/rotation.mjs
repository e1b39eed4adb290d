import { createPriceApi, repairing } from '../lib/price-api.mjs';
import { createStore } from '../lib/store.mjs';

const CALLERS = 1_000;

/** The key is rotated: 1,000 calls at once are refused, their answers spread over 200 ms. */
export async function prepare(contestant) {
  const store = createStore();
  let answered = 0;
  const api = createPriceApi({ live: [store.key], latency: () => (answered++ * 37) % 200 });
  const client = repairing(contestant, contestant.create({ load: store.load, fetchPrice: api.fetchPrice }));

  return async () => {
    for (let i = 0; i < 3; i++) await client.getPrice('XAU');
    const before = store.loads.length;
    api.accept([store.rotate()]);
    const outcomes = await Promise.allSettled(Array.from({ length: CALLERS }, () => client.getPrice('XAU')));
    const errors = outcomes.filter(({ status }) => status === 'rejected').length;
    return { loads: store.loads.length - before, errors, refused: api.refused };
  };
}
