// Calls in real time through a proxy that breaks the network, to moto's KMS and to a price API, by both paths to KMS.
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { kmsCipher } from 'goldkey/kms';
import { makeTempFolder } from '../../programs/at-exit.mjs';
import { fromTypeScript } from '../../servers/from-typescript.mjs';
import { grouped } from '../lib/claims.mjs';
import { diceOf } from '../lib/dice.mjs';
import { FaultProxy, NETWORK_FAULTS } from '../lib/fault-proxy.mjs';
import { keysOf } from '../lib/keys.mjs';
import { loadsWithin } from '../lib/load-ledger.mjs';
import { INVENTED_CREDENTIALS } from '../lib/invented-credentials.mjs';
import { Program } from '../lib/program.mjs';
import { startSigningApi } from '../lib/signing-api.mjs';

const { startMoto } = await fromTypeScript(new URL('../../servers/moto.ts', import.meta.url));
const PATHS = ['fromKmsLight', 'fromKms'];
/** Calls a second by each path: 500 in all. */
const RATE = 250;
/** In ms. A key lives for seconds here, so that each episode meets a load. */
const TIMING = { ttl: 3_000, refreshAhead: 500, staleIfError: 120_000, timeout: 3_000, keyTimeout: 5_000 };
/** A key's least life: 90 % of its time, less what it is refreshed ahead. */
const LEAST_LIFE = TIMING.ttl * 0.9 - TIMING.refreshAhead;
/** How long after an episode a call may still end badly that began in it. */
const AFTERMATH = TIMING.timeout + 500;
/** How late a call may end after its timeout, on a machine with two cores under load. */
const LATE = 1_000;
/** Requests of one load: the first, and its repeats. */
const TRIES = 3;
/** Of the price API's answers this share meets a fault; of KMS's, all. */
const PRICE_SHARE = 0.6;
/** The forms in which the AWS SDK leaves the answer of KMS in memory: see test/integration/memory.test.ts. */
const LEFT_BY_SDK = new Set(['base64']);

/** @param wish - `claims`; `seed`; `episode` and `pause`, in ms: how long a fault of KMS lasts, and how long none; `rounds` through all faults */
export async function network({ claims, seed, episode, pause, rounds }) {
  const { fraction } = diceOf(seed);
  const folder = makeTempFolder('goldkey-proof-');
  const moto = await startMoto();
  const api = await startSigningApi();
  const programs = [];
  const proxies = [];
  const proxyOf = async (target, options) => {
    const proxy = new FaultProxy(target, { random: fraction, ...options });
    proxies.push(proxy);
    return { proxy, url: await proxy.listen() };
  };
  try {
    const keyId = await moto.python("print(client('kms').create_key()['KeyMetadata']['Arn'])");
    const encryptionContext = { service: 'proof' };
    const clientConfig = { endpoint: moto.url, region: moto.region, credentials: INVENTED_CREDENTIALS };
    const cipher = kmsCipher({ keyId, encryptionContext, clientConfig });
    const { keyOf, shared } = keysOf();
    const keys = [];
    const ciphertextFile = join(folder, 'ciphertext');
    const addKey = async () => {
      keys.push(keyOf(keys.length));
      const key = keys.at(-1);
      api.accepted.add(key);
      await writeFile(`${ciphertextFile}.new`, (await cipher.encrypt(key)).ciphertext);
      await rename(`${ciphertextFile}.new`, ciphertextFile);
    };
    await addKey();

    const round = NETWORK_FAULTS.length * (episode * 1.5 + 3 * pause + TIMING.ttl / 2);
    const until = Date.now() + 10_000 + rounds * round;
    const services = await Promise.all(
      PATHS.map(async (path) => {
        const kms = await proxyOf(moto.url, { counted: 'TrentService.Decrypt' });
        const price = await proxyOf(api.url, { share: PRICE_SHARE });
        const wish = { path, kms: kms.url, api: price.url, region: moto.region, ciphertextFile, encryptionContext };
        const program = new Program('network-client.mjs', [
          JSON.stringify({ ...wish, rate: RATE, until, timing: TIMING }),
        ]);
        programs.push(program);
        await program.line('ready');
        return { path, kms: kms.proxy, price: price.proxy, program };
      }),
    );

    const startedAt = Date.now();
    const excused = [];
    const outages = [];
    let rotations = 0;
    const during = async (which, fault, ms) => {
      const from = Date.now();
      for (const service of services) service[which].fault = fault;
      await sleep(ms);
      for (const service of services) service[which].fault = undefined;
      (which === 'price' ? excused : outages).push({ from, to: Date.now() });
      await sleep(pause);
    };
    for (let count = 0; count < rounds; count++) {
      for (const fault of NETWORK_FAULTS) {
        await during('kms', fault, episode);
        // A load that failed last may wait for its back-off before a new key can be had.
        await during('price', fault, episode / 2);
        const [old] = api.accepted;
        await addKey();
        rotations++;
        // Every other time the old key is refused at once; else when it is in nobody's cache any more.
        if (rotations % 2 === 1) await sleep(TIMING.ttl);
        api.accepted.delete(old);
        await sleep(pause);
      }
    }
    for (const { path, kms, price, program } of services) {
      const { outcome } = await program.line('outcome');
      const { counts, failures, slowest, loads, violations } = outcome;
      const isExcused = ({ startedAt: from, endedAt }) =>
        excused.some((window) => from <= window.to + AFTERMATH && endedAt >= window.from);
      const lost = failures.filter((failure) => !isExcused(failure));
      const seconds = (Date.now() - startedAt) / 1_000;
      const perOutage = outages.reduce(
        (sum, { from, to }) => sum + TRIES * loadsWithin(500, 15_000)(to - from + AFTERMATH),
        0,
      );
      const most = 1 + Math.ceil((seconds * 1_000) / LEAST_LIFE) + 2 * rotations + perOutage;
      const met = NETWORK_FAULTS.map((fault) => `${fault} ${String((kms.met[fault] ?? 0) + (price.met[fault] ?? 0))}`);
      claims.atLeast(`${path}: calls in ${seconds.toFixed(0)} s`, counts.calls, Math.floor(seconds * RATE * 0.8));
      claims.none(
        `${path}: calls that failed while only KMS, the key or nothing was at fault`,
        lost.map(({ code, startedAt: at }) => `${code} at ${String(at - startedAt)} ms`),
      );
      claims.none(`${path}: prices of another request, unhandled rejections`, violations);
      claims.atMost(`${path}: the slowest call, in ms`, slowest, TIMING.timeout + LATE);
      claims.atMost(
        `${path}: requests to KMS, ${grouped(loads.good)} good loads, ${grouped(loads.failed)} failed`,
        kms.requests,
        most,
      );
      claims.none(`${path}: loads within the pause that the failure before them had told`, loads.hasty);
      claims.add(
        `${path}: every fault was met`,
        met.join(', '),
        NETWORK_FAULTS.every((fault) => (kms.met[fault] ?? 0) > 0 && (price.met[fault] ?? 0) > 0),
      );
      claims.add(
        `${path}: every key was used, and the calls that failed with the price API's network`,
        `${String(keys.length)} keys, ${String(failures.length)} calls: ${JSON.stringify(counts.failed)}`,
        loads.good >= keys.length,
      );
      await program.line('done');
      await claims.nothingFound(`d: ${path}: forms of a key in the memory of the process after close()`, async () => {
        const found = await program.search(shared);
        return found.filter((form) => path !== 'fromKms' || !LEFT_BY_SDK.has(form));
      });
    }
  } finally {
    await Promise.all(programs.map((program) => program.kill()));
    await Promise.all(proxies.map((proxy) => proxy.close()));
    api.close();
    await moto[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  }
}
