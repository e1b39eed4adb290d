import { KEY } from '../lib/scene.mjs';
import { taintedContainers } from '../lib/tainted.mjs';

/** How long the event loop is held by a thrown container, by an error that carries it, and by `redact()`; in ms. */
export async function prepare(contestant, { gone }) {
  let loads = 0;
  let thrown;
  const client = contestant.create({
    // The keys before the last are gone, and recognised.
    load: async () => (loads++ < gone ? `${KEY}${String(loads)}` : KEY),
    fetchPrice: async (_symbol, apiKey) => {
      if (thrown === undefined) return apiKey.length;
      throw thrown;
    },
    retry: false,
  });
  for (let key = 0; key <= gone; key++) {
    client.evict();
    await client.getPrice('XAU');
  }

  async function leave(error) {
    thrown = error;
    const start = performance.now();
    await client.getPrice('XAU').catch(() => undefined);
    const duration = performance.now() - start;
    thrown = undefined;
    return duration;
  }

  function redact(value) {
    const start = performance.now();
    client.redact(value);
    return performance.now() - start;
  }

  return async () => {
    const longest = {};
    for (const [name, make] of Object.entries(taintedContainers(KEY))) {
      const carried = await leave(Object.assign(new Error('failed'), { value: make() }));
      longest[name] = Math.max(carried, await leave(make()), redact(make()));
    }
    return longest;
  };
}
