import { heldBytes } from '../lib/heap.mjs';
import { KEY, fetchPrice } from '../lib/scene.mjs';

const CLIENTS = 10_000;

/** Bytes that a client with one key in use keeps alive: the heap and the array buffers. */
export async function prepare(contestant, options) {
  // Every client has a store of its own, as two tenants would; the stores are the user's and there before.
  const loads = Array.from({ length: CLIENTS }, (_, i) => async () => `${KEY}${String(i)}`);
  const extras = loads.map((load) => contestant.prepareClient?.({ load }));

  async function make(i, clients) {
    clients[i] = contestant.create({ load: loads[i], fetchPrice, ...extras[i], ...options });
    await clients[i].getPrice('XAU');
  }

  await make(0, []);
  return async () => {
    const clients = Array.from({ length: CLIENTS });
    const before = heldBytes();
    for (let i = 1; i < CLIENTS; i++) await make(i, clients);
    // Loads end in timers and immediates of their own.
    await new Promise((resolve) => setTimeout(resolve, 50));
    const bytes = (heldBytes() - before) / (CLIENTS - 1);
    if (clients.length !== CLIENTS) throw new Error('the clients are gone');
    return bytes;
  };
}
