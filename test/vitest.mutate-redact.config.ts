import { defineConfig } from 'vitest/config';

// For each mutant in the redaction the tests run again: those with real HTTP clients are left out for that.
export default defineConfig({
  test: {
    include: ['test/redact/**/*.test.ts', 'test/core/{attempt,bad-keys,fingerprint,key-format,outcome}.test.ts'],
    exclude: ['test/redact/{clients*,in-flight,bounds,property}.test.ts'],
    testTimeout: 5_000,
    isolate: false,
  },
});
