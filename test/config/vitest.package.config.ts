import { defineConfig } from 'vitest/config';

// What depends on no version of Node.js is tested once, on the one that is running.
const once = [
  '**/api.test.ts',
  '**/bundle.test.ts',
  '**/consumers/bundlers.test.ts',
  '**/consumers/nest.test.ts',
  '**/consumers/runtimes.test.ts',
  '**/snippets.test.ts',
  '**/tarball.test.ts',
  '**/types.test.ts',
];

export default defineConfig({
  test: {
    dir: 'test/package',
    include: ['**/*.test.ts'],
    exclude: (process.env['GOLDKEY_NODE'] ?? '') === '' ? [] : once,
    globalSetup: 'test/package/setup.ts',
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
