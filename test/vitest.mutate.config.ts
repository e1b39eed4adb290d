import { defineConfig } from 'vitest/config';

// Mutants are run by the thousand: only tests that run in this process, on a clock of their own.
export default defineConfig({
  test: {
    dir: 'test',
    include: ['core/**/*.test.ts', 'redact/**/*.test.ts', 'testing/**/*.test.ts'],
    testTimeout: 20_000,
  },
});
