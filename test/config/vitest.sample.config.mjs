import { defineConfig } from 'vitest/config';
import { sample } from './mutation-sample.mjs';

/** The number of the mutant in this process; without one the sources stay as they are. */
const number = process.env['GOLDKEY_MUTANT'] ?? '';
const mutant = number === '' ? undefined : sample[Number(number)];

export default defineConfig({
  plugins: [
    {
      name: 'mutant',
      enforce: 'pre',
      transform: (code, id) =>
        mutant !== undefined && id.endsWith(`/${mutant.file}`) ? code.replace(mutant.find, () => mutant.replace) : null,
    },
  ],
  test: {
    include: mutant?.tests ?? [...new Set(sample.flatMap(({ tests }) => tests))],
    testTimeout: 5_000,
    isolate: false,
    maxWorkers: 1,
    bail: mutant === undefined ? 0 : 1,
  },
});
