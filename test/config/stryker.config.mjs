import { mutate, name } from './mutation.mjs';

export default {
  testRunner: 'vitest',
  vitest: { configFile: 'test/config/vitest.mutate.config.mjs', related: false },
  plugins: ['@stryker-mutator/vitest-runner'],
  coverageAnalysis: 'perTest',
  mutate,
  ignorePatterns: ['/dist', '/coverage', '/reports', '/.cache', '/examples', '/test/integration'],
  concurrency: Number(process.env['GOLDKEY_MUTATE_CONCURRENCY'] ?? 2),
  reporters: ['clear-text', 'progress', 'html', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  htmlReporter: { fileName: `reports/mutation/${name}.html` },
  jsonReporter: { fileName: `reports/mutation/${name}.json` },
  thresholds: { high: 95, low: 90, break: 90 },
  tempDirName: `.stryker-tmp/${name}`,
  timeoutMS: 4_000,
};
