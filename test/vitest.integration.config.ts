import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    dir: 'test/integration',
    include: ['**/*.test.ts'],
    // A first run installs the servers.
    hookTimeout: 900_000,
    testTimeout: 60_000,
    // Each file starts servers of its own: side by side they would install the same thing twice.
    fileParallelism: false,
  },
});
