import { defineConfig } from 'vitest/config';

/** What Stryker runs for each mutant of the core: its tests alone, and of those the ones that end quickly. */
export default defineConfig({
  test: {
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    include: ['test/core/**/*.test.ts'],
    // Heap snapshots, hundreds of random runs and thousands of calls: too long to be repeated for every mutant. What they
    // hold at scale another test claims of a few calls.
    exclude: [
      'test/core/redaction/**',
      'test/core/heap.test.ts',
      'test/core/property/**',
      'test/core/counts.test.ts',
      'test/core/hostile/traffic.test.ts',
    ],
    testTimeout: 5_000,
    // A fresh module graph for each test file costs more than its tests: without one a mutant takes a second, not six. No
    // test may lean on the state of another file's modules, and none does: the suite itself runs isolated.
    isolate: false,
  },
});
