import { defineConfig } from 'vitest/config';
import { slow, tests } from './mutation.mjs';

export default defineConfig({
  test: {
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    include: tests,
    exclude: slow,
    setupFiles: ['test/config/mutation-setup.mjs'],
    testTimeout: 5_000,
    // A fresh module graph for each test file costs more than its tests: without one a mutant takes a second, not six. No
    // test may lean on the state of another file's modules, and none does: the suite itself runs isolated.
    isolate: false,
  },
});
