import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cleanEnvironment } from './contestant.mjs';
import { KEY } from './scene.mjs';

const run = promisify(execFile);
const main = fileURLToPath(new URL('../cold/main.mjs', import.meta.url));

/** Runs one cold process: what it got of `config`, when, and how long Node.js took before. `file` is from the folder `cold`. */
export async function runCold(node, file, config, { flags = [], env = {} } = {}) {
  const { stdout } = await run(node, [...flags, main, file, JSON.stringify(config)], {
    env: { ...cleanEnvironment(), ...env },
  });
  return JSON.parse(stdout);
}

/** Runs each in turn, round by round, once before that count. Returns by name what `runOne` returned. */
export async function inRounds({ quick }, names, runOne) {
  const ran = Object.fromEntries(names.map((name) => [name, []]));
  for (const name of names) await runOne(name);
  for (let round = 0; round < (quick ? 7 : 15); round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(turn + round) % names.length];
      ran[name].push(await runOne(name));
    }
  }
  return ran;
}

/** Starts a KMS on loopback; `config` is what a contestant needs to decrypt the key under it. */
export async function startKms() {
  const { startFakeKms } = await import('goldkey/testing');
  const credentials = {
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  };
  const kms = await startFakeKms({ credentials });
  const encryptionContext = { service: 'gold-data-stream', environment: 'production' };
  const ciphertext = kms.encrypt(KEY, encryptionContext);
  const { url, region, keyArn: keyId } = kms;
  return { config: { url, region, credentials, keyId, ciphertext, encryptionContext }, close: () => kms.close() };
}
