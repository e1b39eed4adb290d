import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// A failure that depends on the order comes again with the seed that the run printed: GOLDKEY_SEED=1234 npm test
const given = process.env['GOLDKEY_SEED'] ?? '';
const seed = given === '' ? Date.now() : Number(given);

export default defineConfig({
  test: {
    dir: 'test',
    // Not a word about Node.js 20 from the AWS SDK between the results.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/integration/**', '**/package/**'],
    sequence: { shuffle: { files: true, tests: true }, seed },
    // On two cores vitest would leave one idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 20_000,
    coverage: {
      provider: 'v8',
      include: ['src/**'],
      // What runs in a process of its own is out of the coverage's sight.
      exclude: ['src/cli/bin.ts'],
      reporter: ['text-summary', 'json-summary'],
      thresholds: { lines: 97, functions: 96, statements: 96, branches: 92 },
    },
  },
});
