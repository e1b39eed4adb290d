import { mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inRounds, runCold, startKms } from '../lib/cold.mjs';
import { ratioLine } from '../lib/line.mjs';
import { bundlings } from '../lib/one-file.mjs';
import { profiling } from '../lib/profile.mjs';
import { KEY } from '../lib/scene.mjs';

const cold = fileURLToPath(new URL('../cold/', import.meta.url));
const HAND = 'by hand';
const LIGHT = 'fromKmsLight';
const KMS = 'fromKms';
const BESIDE = 'fromKms, an SDK beside it';
const handlers = { [HAND]: 'by-hand', [LIGHT]: 'from-kms-light', [KMS]: 'from-kms', [BESIDE]: 'from-kms' };
const budgets = { [LIGHT]: 0.25, [KMS]: 1, [BESIDE]: 1 };

/** Bundles each handler into one file in a folder of its own, as a Lambda is deployed. Returns the files. */
async function bundleHandlers(folder, { ending, bundle }) {
  const files = {};
  for (const [name, source] of Object.entries(handlers)) {
    const file = join(folder, name.replaceAll(/\W+/g, '-'), `handler.${ending}`);
    await bundle(join(cold, `${source}.mjs`), file);
    files[name] = file;
  }
  const beside = join(dirname(files[BESIDE]), 'node_modules/@aws-sdk');
  await mkdir(beside, { recursive: true });
  const installed = fileURLToPath(import.meta.resolve('@aws-sdk/client-kms')).replace(/(client-kms).*/, '$1');
  await symlink(installed, join(beside, 'client-kms'), 'junction');
  return files;
}

/** Row 13b: cold processes that are one file each, with all that they need in it. */
export const handlerBundles = {
  rows: ['13b'],
  async run(bench) {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'goldkey-handlers-')));
    const kms = await startKms();
    try {
      const lines = [];
      for (const [way, bundling] of Object.entries(bundlings)) {
        const files = await bundleHandlers(join(folder, way), bundling);
        const times = await inRounds(bench, Object.keys(files), async (name) => {
          const flags = name === KMS && way === 'esbuild, cjs' ? profiling(bench.profiles) : [];
          const { ms, got } = await runCold(bench.node, files[name], kms.config, { flags });
          if (got !== KEY.length) throw new Error(`${name} got something else: ${String(got)}`);
          return [ms];
        });
        for (const [name, budget] of Object.entries(budgets)) {
          const what = `one-file handler (${way}), time to first key, ${name}`;
          lines.push(
            ratioLine({ row: '13b', what, unit: 'ms', ours: times[name], name: HAND, theirs: times[HAND], budget }),
          );
        }
      }
      return lines;
    } finally {
      await kms.close();
      await rm(folder, { recursive: true });
    }
  },
};
