// The groups of sources that mutation testing covers, each with the tests that hold it: `npm run mutate:prices` runs one,
// `npm run mutate` all. A mutant's tests are its group's alone, and of those the ones that end quickly.

/** Heap snapshots, hundreds of random runs, thousands of calls: too long to be repeated for every mutant. */
const SLOW = [
  'test/core/heap.test.ts',
  'test/core/property/**',
  'test/core/counts.test.ts',
  'test/core/hostile/traffic.test.ts',
  'test/core/redaction/{http-clients/**,bounds.test.ts,property.test.ts}',
  'test/rotation/stores/file/crash.test.ts',
];

/** @type {Readonly<Record<string, { mutate: string[]; tests: string[]; exclude?: string[] }>>} */
const GROUPS = {
  core: {
    mutate: [
      'src/core/{cache,call,recovery,state}/*.ts',
      'src/core/client/keyed-client.ts',
      '!src/core/{cache/{fingerprint,timing,validate-key},recovery/outcome}.ts',
    ],
    tests: ['test/core/**/*.test.ts'],
    exclude: ['test/core/redaction/**'],
  },
  redact: {
    mutate: [
      'src/core/redaction/*.ts',
      'src/core/util/safe-access.ts',
      'src/core/recovery/outcome.ts',
      'src/core/cache/{fingerprint,validate-key}.ts',
    ],
    tests: [
      'test/core/redaction/**/*.test.ts',
      'test/core/util/safe-access.test.ts',
      'test/core/cache/{bad-keys,fingerprint,validate-key}.test.ts',
      'test/core/recovery/outcome.test.ts',
    ],
  },
  options: {
    mutate: [
      'src/core/{errors,options,rotation-errors}.ts',
      'src/core/cache/timing.ts',
      'src/pool/*.ts',
      '!src/pool/index.ts',
    ],
    tests: [
      'test/core/*.test.ts',
      'test/core/{cache,call,client}/*.test.ts',
      'test/pool/*.test.ts',
      'test/rotation/manager/steps.test.ts',
    ],
  },
  local: {
    mutate: ['src/providers/local/*.ts', '!src/providers/local/index.ts'],
    tests: ['test/providers/local/*.test.ts', 'test/providers/shared/*.test.ts'],
  },
  ring: {
    mutate: ['src/rotation/ring/*.ts', '!src/rotation/ring/types.ts'],
    tests: ['test/rotation/{ring,manager}/*.test.ts'],
  },
  prices: {
    mutate: ['src/prices/values/*.ts'],
    tests: ['test/prices/**/*.test.ts'],
    exclude: ['test/prices/fallback/**'],
  },
};

export const groups = Object.keys(GROUPS);

/** The group that runs in this process. */
export const name = process.env['GOLDKEY_MUTATE'] ?? 'core';

const { mutate, tests, exclude = [] } = GROUPS[name];

export { mutate, tests };
export const slow = [...SLOW, ...exclude];
