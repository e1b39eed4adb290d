// One process of a fleet: so many calls a second with a key from a ring. Prints a line of JSON for each failed call, for each
// change of the version that serves, and of how many calls it has made so far. It may be killed at any time; told to finish,
// it closes its client and is searched for the keys.
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { GoldDataClient, isGoldKeyError } from 'goldkey';
import { localCipher } from 'goldkey/local';
import { fromKeyRing } from 'goldkey/rotation';
import { awaitSearch } from './lib/await-search.mjs';
import { clockOff, ringOf } from './lib/ring-of.mjs';
import { signedFetch } from './lib/signing-api.mjs';

const { kind, place, masterKeyFile, api, instanceId, off, rate, timing } = JSON.parse(process.argv[2]);
const print = (said) => process.stdout.write(`${JSON.stringify(said)}\n`);
process.on('unhandledRejection', (error) => print({ failed: `unhandled rejection: ${String(error)}`, at: Date.now() }));

const cipher = localCipher({ masterKeyFile, encryptionContext: { service: 'fleet' } });
const client = new GoldDataClient({
  keyProvider: fromKeyRing({ ring: await ringOf(kind, place), name: 'fleet', cipher }),
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
    const code = isGoldKeyError(error) ? error.code : String(error?.status ?? error?.code ?? error);
    print({ failed: code, at: startedAt });
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
const startedAt = performance.now();
const running = new Set();
for (let count = 0; !finished.signal.aborted;) {
  for (const due = ((performance.now() - startedAt) * rate) / 1_000; count < due; count++) {
    const started = call(`X${String(count)}`).finally(() => running.delete(started));
    running.add(started);
  }
  await sleep(5);
}
await Promise.all(running);
client.evict();
await client.close();
print({ calls, loads, at: Date.now() });
await awaitSearch(orders);
process.exit(0);
