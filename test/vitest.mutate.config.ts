import { defineConfig } from 'vitest/config';

// Mutants are run by the thousand: only tests that run in this process, on a clock of their own.
export default defineConfig({
  test: {
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    // Without `dir`, which the mutation runner would take away.
    include: ['test/core/**/*.test.ts', 'test/redact/**/*.test.ts', 'test/testing/**/*.test.ts'],
    // A process of its own, on what is built.
    exclude: ['test/core/heap.test.ts'],
    testTimeout: 20_000,
  },
});
