import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cleanEnvironment } from '../lib/contestant.mjs';
import { ratioLine } from '../lib/line.mjs';
import { KEY } from '../lib/scene.mjs';

const run = promisify(execFile);
const main = fileURLToPath(new URL('../first-key/main.mjs', import.meta.url));
const names = ['goldkey', 'naive', 'client-kms'];

async function firstKey(node, name, config) {
  const { stdout } = await run(node, [main, name, JSON.stringify(config)], { env: cleanEnvironment() });
  const { ms, length } = JSON.parse(stdout);
  if (length !== KEY.length) throw new Error(`${name} read another key`);
  return ms;
}

/** Row 12: a cold process against a KMS on loopback, until it holds the key. */
export const firstKeys = {
  rows: ['12'],
  async run(bench) {
    const { startFakeKms } = await import('goldkey/testing');
    const credentials = {
      accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
      secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    };
    const kms = await startFakeKms({ credentials });
    try {
      const encryptionContext = { service: 'gold-data-stream', environment: 'production' };
      const config = {
        url: kms.url,
        region: kms.region,
        credentials,
        keyId: kms.keyArn,
        ciphertext: kms.encrypt(KEY, encryptionContext),
        encryptionContext,
      };
      const times = Object.fromEntries(names.map((name) => [name, []]));
      for (const name of names) await firstKey(bench.node, name, config);
      for (let round = 0; round < (bench.quick ? 7 : 15); round++) {
        for (let turn = 0; turn < names.length; turn++) {
          const name = names[(turn + round) % names.length];
          times[name].push([await firstKey(bench.node, name, config)]);
        }
      }
      const against = (name, label, budget) =>
        ratioLine({
          row: '12',
          what: 'time to first key, fromKms',
          unit: 'ms',
          ours: times.goldkey,
          name: label,
          theirs: times[name],
          budget,
        });
      const budget = bench.onNode20 ? 0.5 : bench.major < 24 ? 0.55 : 0.65;
      return [against('naive', 'naive', budget), against('client-kms', 'client-kms alone, by require()')];
    } finally {
      await kms.close();
    }
  },
};
