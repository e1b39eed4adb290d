import { rotation } from './rotation.js';
import { setStage, type Stage } from './stage.js';
import { Teller } from './narrator.js';
import type { CliIo } from '../../io.js';

const CACHED = 200;
const STALE = 3;

/**
 * Tells the life of a key while living it: every figure printed is read off the client, the store and the price API
 * that this run started, and held against the story. Returns the exit code: 1 when something was not as told.
 */
export async function demo(io: CliIo): Promise<number> {
  await using stage = await setStage();
  const teller = new Teller(io);
  teller.line('The life of a price API key, on this machine alone: a master key in a temporary folder, a price API on');
  teller.line('loopback, invented keys. The clock is moved by hand, so nothing here waits.\n');
  await encrypted(stage, teller);
  await firstPrices(stage, teller);
  await rotated(stage, teller);
  await storeDown(stage, teller);
  await rotation(stage, teller);
  counts(stage, teller);
  return teller.verdict();
}

async function encrypted(stage: Stage, teller: Teller): Promise<void> {
  const { ciphertext, fingerprint } = await stage.newKey();
  teller.scene(
    'Encrypt',
    `The key becomes ${ciphertext.slice(0, 24)}… (${String(ciphertext.length)} characters, safe in Git).`,
    `Its fingerprint is ${fingerprint}; the key itself is never shown.`,
  );
  teller.holds('no decryption while encrypting', 0, stage.store.decryptions);
}

async function firstPrices({ gold, api, store }: Stage, teller: Teller): Promise<void> {
  const { price, currency } = await gold.getPrice('XAU');
  teller.scene(
    'First price',
    `XAU ${price.toFixed(2)} ${currency} per troy ounce. Decryptions so far: ${String(store.decryptions)}.`,
  );
  teller.holds('decryptions for the first price', 1, store.decryptions);

  await Promise.all(Array.from({ length: CACHED }, () => gold.getPrice('XAU')));
  teller.scene(
    'Cached',
    `${String(CACHED)} more prices at once. Decryptions so far: ${String(store.decryptions)}: the key was in the cache.`,
  );
  teller.holds('decryptions after the cached prices', 1, store.decryptions);
  teller.holds('requests after the cached prices', CACHED + 1, api.calls.length);
}

async function rotated(stage: Stage, teller: Teller): Promise<void> {
  const { gold, api, store } = stage;
  const { fingerprint } = await stage.newKey();
  stage.revokeOldKeys();
  teller.scene(
    'Rotated',
    `A new key (fingerprint ${fingerprint}) is in the store; the price API refuses the old one.`,
    'The client has not been told.',
  );

  const before = api.calls.length;
  const { price } = await gold.getPrice('XAU');
  const statuses = api.calls.slice(before).map(({ status }) => String(status));
  teller.scene(
    'Repaired',
    `The next call: HTTP ${statuses.join(', then ')}. The caller got ${price.toFixed(2)} and no error.`,
    `Decryptions so far: ${String(store.decryptions)}; key in use: ${String(gold.status().fingerprint)}.`,
  );
  teller.holds('statuses of the repaired call', '401 200', statuses.join(' '));
  teller.holds('decryptions after the repair', 2, store.decryptions);
  teller.holds('key in use after the repair', fingerprint, gold.status().fingerprint);
}

async function storeDown({ gold, clock, store }: Stage, teller: Teller): Promise<void> {
  store.down = true;
  await clock.advance(6 * 60_000);
  let answered = 0;
  for (let asked = 0; asked < STALE; asked++) {
    await gold.getPrice('XAU');
    answered++;
  }
  const { state, counts: counted } = gold.status();
  teller.scene(
    'Store down',
    'Six minutes later on the clock the key has outlived its five, and the store fails (simulated).',
    `${String(answered)} prices asked, ${String(answered)} answered: the last good key serves on, ten minutes at most.`,
    `Failed reads of the store: ${String(store.failures)}; times a stale key was chosen: ${String(counted.stale)}.`,
  );
  teller.holds('state of the key', 'stale', state);
  teller.holds('stale keys chosen', STALE, counted.stale);
  teller.holds('a store that is down is not asked by every call', true, store.failures >= 1 && store.failures < STALE);
}

function counts({ gold, api, store, keys }: Stage, teller: Teller): void {
  const { calls, rejections, repairs } = gold.status().counts;
  const refused = api.calls.filter(({ status }) => status === 401).length;
  const good = api.calls.filter(({ status }) => status === 200).length;
  const prices = 1 + CACHED + 1 + STALE;
  teller.scene(
    'Counts',
    `Prices asked for ${String(calls)}, answered ${String(good)}; decryptions ${String(store.decryptions)}.`,
    `Requests refused ${String(refused)}, calls repaired ${String(repairs)}; errors the caller saw ${String(calls - good)}.`,
    `Keys in what was printed: ${String(teller.keysShown(keys))}.`,
  );
  teller.holds('prices asked for', prices, calls);
  teller.holds('prices answered', prices, good);
  teller.holds('requests in all', prices + 1, api.calls.length);
  teller.holds(
    'refusals, as the price API and as the client count them',
    '1 1',
    `${String(refused)} ${String(rejections)}`,
  );
  teller.holds('repairs', 1, repairs);
  teller.holds('keys in what was printed', 0, teller.keysShown(keys));
}
