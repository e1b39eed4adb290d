import { defineConfig } from 'vitest/config';

// Mutants are run by the thousand: only tests that run in this process, on a clock of their own.
export default defineConfig({
  test: {
    dir: 'test',
    // Not a word about Node.js 20 from the AWS SDK between the results.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    include: ['core/**/*.test.ts', 'redact/**/*.test.ts', 'testing/**/*.test.ts'],
    testTimeout: 20_000,
  },
});
