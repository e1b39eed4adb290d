// One process of a fleet: so many calls a second with a key from a ring. Prints a line of JSON for each failed call, for each
// change of the version that serves, and of how many calls it has made so far. It may be killed at any time; told to finish,
// it closes its client and is searched for the keys.
import { createInterface } from 'node:readline';
import { GoldDataClient } from 'goldkey';
import { fromKeyRing } from 'goldkey/rotation';
import { awaitSearch } from './lib/await-search.mjs';
import { cipherOf, clockOff, ringOf } from './lib/ring-of.mjs';
import { signedFetch } from './lib/signing-api.mjs';
import { callSteadily, codeOf } from './lib/steady-calls.mjs';

const { kind, place, masterKeyFile, api, instanceId, off, rate, timing } = JSON.parse(process.argv[2]);
const print = (said) => process.stdout.write(`${JSON.stringify(said)}\n`);
process.on('unhandledRejection', (error) => print({ failed: `unhandled rejection: ${String(error)}`, at: Date.now() }));

const client = new GoldDataClient({
  keyProvider: fromKeyRing({ ring: await ringOf(kind, place), name: 'fleet', cipher: cipherOf(masterKeyFile) }),
  fetchPrice: signedFetch(api),
  clock: clockOff(off),
  instanceId,
  ...timing,
});
let version;
let calls = 0;
let loads = 0;
client.on('loaded', () => loads++);
let toldAt = 0;

async function call(symbol) {
  const startedAt = Date.now();
  try {
    const price = await client.getPrice(symbol);
    if (price.symbol !== symbol)
      print({ failed: `${symbol} was answered with ${String(price.symbol)}`, at: startedAt });
  } catch (error) {
    print({ failed: codeOf(error), at: startedAt });
  }
  calls++;
  const serving = client.status().version;
  if (serving !== version) print({ version: (version = serving), at: Date.now() });
  if (Date.now() - toldAt > 250) print({ calls, loads, at: (toldAt = Date.now()) });
}

const orders = createInterface(process.stdin)[Symbol.asyncIterator]();
const finished = new AbortController();
void orders.next().then(() => finished.abort());
await client.prefetch();
print({ ready: true });
await callSteadily(call, { rate, isOver: () => finished.signal.aborted });
client.evict();
await client.close();
print({ calls, loads, at: Date.now() });
await awaitSearch(orders);
process.exit(0);
