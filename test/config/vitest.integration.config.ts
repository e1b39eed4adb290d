import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    dir: 'test/integration',
    // Not a word about Node.js 20 from the AWS SDK between the results.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    include: ['**/*.test.ts'],
    // A first run installs the servers.
    hookTimeout: 900_000,
    testTimeout: 60_000,
    // Each file starts servers of its own: side by side they would install the same thing twice.
    fileParallelism: false,
  },
});
