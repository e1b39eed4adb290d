// A service behind a network that goes wrong: one client, whose key KMS decrypts, and so many calls a second. Told by its
// argument: the path to KMS, the endpoints, the file with the ciphertext, the rate, and until when. Prints one line of JSON
// with the outcomes, and is then searched for the key, of which it makes no string.
import { readFile } from 'node:fs/promises';
import { GoldDataClient } from 'goldkey';
import { awaitSearch } from './lib/await-search.mjs';
import { INVENTED_CREDENTIALS } from './lib/invented-credentials.mjs';
import { callSteadily, codeOf } from './lib/steady-calls.mjs';
import { signedFetch } from './lib/signing-api.mjs';

const { path, kms, api, region, ciphertextFile, encryptionContext, rate, until, timing } = JSON.parse(process.argv[2]);
const credentials = INVENTED_CREDENTIALS;
/** An event is told so many ms after what it tells, at most, and a timer may fire as much too soon. */
const PUNCTUAL = 50;
const ciphertext = () => readFile(ciphertextFile, 'utf8');

async function providerOf() {
  if (path === 'fromKmsLight') {
    const { fromKmsLight } = await import('goldkey/kms-light');
    return fromKmsLight({ ciphertext, encryptionContext, region, endpoint: kms, credentials });
  }
  const { fromKms } = await import('goldkey/kms');
  return fromKms({ ciphertext, encryptionContext, clientConfig: { endpoint: kms, region, credentials } });
}

const violations = [];
process.on('unhandledRejection', (error) => violations.push(`unhandled rejection: ${String(error)}`));

const client = new GoldDataClient({ keyProvider: await providerOf(), fetchPrice: signedFetch(api), ...timing });
const loads = { good: 0, failed: 0, hasty: [] };
/** Until when the last load that failed forbids the next, on the monotonic clock. */
let pausedUntil = 0;
client.on('loaded', ({ duration }) => {
  loads.good++;
  checkPause(duration);
});
client.on('load-failed', ({ duration, retryAfter }) => {
  loads.failed++;
  checkPause(duration);
  pausedUntil = performance.now() + retryAfter;
});
const counts = { calls: 0, prices: 0, failed: {} };
/** Of the calls that failed: from when to when, and how. */
const failures = [];
let slowest = 0;

/** Checks that a load, which has just ended, did not begin within the pause that the one before it had told. */
function checkPause(duration) {
  const early = pausedUntil - (performance.now() - duration);
  if (early > PUNCTUAL) loads.hasty.push(`${early.toFixed(0)} ms too soon`);
}

async function call(symbol) {
  counts.calls++;
  const startedAt = Date.now();
  try {
    const price = await client.getPrice(symbol);
    counts.prices++;
    if (price.symbol !== symbol) violations.push(`${symbol} was answered with ${String(price.symbol)}`);
  } catch (error) {
    const code = codeOf(error);
    counts.failed[code] = (counts.failed[code] ?? 0) + 1;
    failures.push({ startedAt, endedAt: Date.now(), code });
  }
  slowest = Math.max(slowest, Date.now() - startedAt);
}

await client.prefetch();
process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
// Behind after a stall, it does not make up for all of it at once.
await callSteadily(call, { rate, atOnce: 20, isOver: () => Date.now() >= until });
client.evict();
await client.close();
process.stdout.write(`${JSON.stringify({ outcome: { counts, failures, slowest, loads, violations } })}\n`);
await awaitSearch();
process.exit(0);
