// The groups of sources that mutation testing covers, each with the tests that hold it: `npm run mutate:prices` runs one,
// `npm run mutate` all. A mutant's tests are its group's alone, and of those the ones that end quickly.

/** Hundreds of random runs, thousands of calls: too long to be repeated for every mutant. Heap snapshots are of `dist`. */
const SLOW = [
  'test/core/heap.test.ts',
  'test/core/redaction/heap-text.test.ts',
  'test/prices/heap.test.ts',
  'test/core/property/**',
  'test/core/counts.test.ts',
  'test/core/hostile/traffic.test.ts',
  'test/core/redaction/{http-clients/**,bounds.test.ts,property.test.ts}',
  'test/rotation/stores/file/crash.test.ts',
];

/** Single tests that are too long likewise, in files whose others are not. */
export const slowTests = [
  'within four standard errors over 10,000 random instance ids',
  'takes 2,000 rotations without a failure',
  'of thousands of clients with one signal',
  'leaks nothing when there is no time for all of it',
  'is left after so many readings of the clock',
  'takes steps as it is long',
  'is given up after so many steps',
  'a key of 4,096 characters is removed in every encoding',
  'does no harm, and lets no key through',
  'none is found in 10 MB of other text',
  'sixteen take 4 KB at most',
  'takes a whole rotation',
  'walks through a whole rotation',
  'however much junk comes',
  'with any one byte changed to any other',
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
      'test/core/state/refusal-gate.test.ts',
      'test/core/util/quote.test.ts',
      'test/pool/*.test.ts',
      'test/rotation/manager/steps.test.ts',
    ],
  },
  util: {
    mutate: ['src/core/util/*.ts'],
    tests: ['test/core/{cache,call,client,recovery,state,util}/*.test.ts'],
  },
  local: {
    mutate: ['src/providers/local/*.ts', '!src/providers/local/index.ts'],
    tests: ['test/providers/local/*.test.ts', 'test/providers/shared/*.test.ts'],
  },
  ring: {
    mutate: ['src/rotation/ring/*.ts', '!src/rotation/ring/types.ts'],
    tests: ['test/rotation/{ring,manager}/*.test.ts'],
  },
  manager: {
    mutate: ['src/rotation/manager/*.ts', '!src/rotation/manager/options.ts'],
    tests: ['test/rotation/{ring,manager}/*.test.ts'],
  },
  hmac: {
    mutate: ['src/hmac/*.ts', '!src/hmac/index.ts'],
    tests: ['test/hmac/*.test.ts'],
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

const { mutate, tests: all, exclude = [] } = GROUPS[name];

/** Some of the group's tests, for some of its files. Under Stryker's `--testFiles` what a module computes at load survives. */
const tests = process.env['GOLDKEY_MUTATE_TESTS']?.split(',') ?? all;

export { mutate, tests };
export const slow = [...SLOW, ...exclude];
