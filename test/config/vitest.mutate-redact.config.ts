import { defineConfig } from 'vitest/config';

// For each mutant in the redaction the tests run again: those with real HTTP clients are left out for that.
export default defineConfig({
  test: {
    include: [
      'test/core/redaction/**/*.test.ts',
      'test/core/util/safe-access.test.ts',
      'test/core/cache/{bad-keys,fingerprint,validate-key}.test.ts',
      'test/core/recovery/outcome.test.ts',
    ],
    exclude: ['test/core/redaction/http-clients/**', 'test/core/redaction/{bounds,property}.test.ts'],
    testTimeout: 5_000,
    isolate: false,
  },
});
