import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    dir: 'test',
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/integration/**', '**/package/**'],
    testTimeout: 20_000,
    coverage: {
      provider: 'v8',
      include: ['src/**'],
      // What runs in a process of its own is out of the coverage's sight.
      exclude: ['src/cli/bin.ts'],
      reporter: ['text-summary', 'json-summary'],
    },
  },
});
