import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment, duel } from '../lib/contestant.mjs';
import { ratioLine } from '../lib/line.mjs';

const PRICE = 2199.51;

async function startPriceServer() {
  const file = fileURLToPath(new URL('../lib/price-server.mjs', import.meta.url));
  const server = fork(file, [String(PRICE)], { env: cleanEnvironment() });
  const [port] = await Promise.race([
    once(server, 'message'),
    once(server, 'exit').then(() => Promise.reject(new Error('the price server ended before it listened'))),
  ]);
  return { url: `http://127.0.0.1:${String(port)}`, stop: () => server.disconnect() };
}

/** Row 14: the server is the same for every version of Node.js, so that only the clients differ. */
export const transport = {
  rows: ['14'],
  async run(bench) {
    const server = await startPriceServer();
    try {
      const params = { url: server.url, price: PRICE };
      const slices = await duel(bench, {
        measure: 'transport',
        contestants: Object.fromEntries(
          ['goldkey', 'fetch', 'undici', 'node-http'].map((name) => [name, { file: `transport-${name}`, params }]),
        ),
        rounds: bench.quick ? 8 : 24,
        generations: bench.quick ? 1 : 3,
      });
      const against = (name, label, atLeast) =>
        ratioLine({
          row: '14',
          what: 'warm price requests a second, 50 at once',
          unit: '/s',
          ours: slices.goldkey,
          name: label,
          theirs: slices[name],
          atLeast,
        });
      return [
        against('fetch', 'global fetch', 3),
        against('undici', 'undici Pool.request', 0.9),
        against('node-http', 'node:http, keep-alive'),
      ];
    } finally {
      server.stop();
    }
  },
};
