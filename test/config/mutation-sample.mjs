// A sample of the mutants that touch zeroing, comparison and bounds: each must make one of its tests fail. `find` stands in
// the file exactly once. Run by .ci/mutate-sample.mjs; all mutants of these files and more: `npm run mutate`.

/** @typedef {{ file: string; find: string; replace: string; tests: string[] }} Mutant */

/** One file's mutants, which the same tests hold. @returns {Mutant[]} */
const of = (file, tests, ...changes) => changes.map(([find, replace]) => ({ file, find, replace, tests }));

const CACHE = ['test/core/cache/zeroing.test.ts'];
const FORMAT = ['test/core/cache/validate-key.test.ts', 'test/core/cache/bad-keys.test.ts'];
const LOCAL = ['test/providers/local/zeroing.test.ts'];
const CIPHERTEXT = ['test/providers/local/from-local.test.ts'];
const RING = ['test/rotation/ring/decrypt-version.test.ts', 'test/rotation/ring/from-key-ring.test.ts'];
const LIMITS = ['test/prices/values/price-limits.test.ts'];

/** @type {readonly Mutant[]} */
export const sample = [
  // Zeroing.
  ...of('src/core/cache/cached-key.ts', CACHE, ['    this.bytes.fill(0);\n', '']),
  ...of(
    'src/core/cache/validate-key.ts',
    CACHE,
    ['    given.fill(0);\n', ''],
    ['asUint8Array(bytes)?.fill(0);', 'void bytes;'],
  ),
  ...of('src/core/call/call.ts', CACHE, ['copy.fill(0)', 'void copy']),
  ...of('src/providers/local/jwe.ts', LOCAL, ['      part.fill(0);\n', ''], ['    plaintext.fill(0);\n', '']),
  ...of(
    'src/providers/local/master-key.ts',
    LOCAL,
    ['encodeBase64(masterKey);\n  masterKey.fill(0);', 'encodeBase64(masterKey);'],
    ['  text.fill(0);\n', ''],
    ['    content.fill(0);\n', ''],
    ['    content?.fill(0);\n', ''],
    ['  masterKey.fill(0);\n  throw', '  throw'],
  ),
  ...of('src/providers/local/master-key.ts', CIPHERTEXT, ['finally {\n    masterKey.fill(0);', 'finally {']),
  ...of('src/providers/shared/create-cipher.ts', LOCAL, ['        plaintext.fill(0);\n', '']),
  ...of('src/rotation/ring/decrypt-version.ts', RING, ['  bytes.fill(0);\n', '']),
  ...of('src/http/bounded-body.ts', ['test/http/node-http.test.ts'], ['chunk.fill(0);', 'void chunk;']),
  // Comparison.
  ...of(
    'src/core/cache/cached-key.ts',
    CACHE,
    ['nodeCrypto().timingSafeEqual(this.bytes, other)', 'true'],
    ['this.bytes.byteLength === other.byteLength', 'true'],
  ),
  ...of('src/providers/local/jwe.ts', CIPHERTEXT, ['if (!timingSafeEqual(', 'if (false && timingSafeEqual(']),
  ...of(
    'src/rotation/ring/decrypt-version.ts',
    RING,
    ['computeFingerprint(bytes) === version.fingerprint', 'true'],
    ['boundTo !== source.name', 'false'],
    ['cipher.accepts(version)', 'true'],
  ),
  ...of('src/core/cache/fingerprint.ts', ['test/core/cache/fingerprint.test.ts'], ['goldkey/fingerprint/1', '']),
  ...of('src/providers/shared/encryption-context.ts', CIPHERTEXT, ['stored[key] === pinned[key]', 'true']),
  // Bounds.
  ...of(
    'src/core/cache/validate-key.ts',
    FORMAT,
    ['if (length < MIN_KEY_LENGTH) {', 'if (length <= MIN_KEY_LENGTH) {'],
    ['code > 0x20 &&', 'code >= 0x20 &&'],
    ['&& code < 0x7f', '&& code <= 0x7f'],
  ),
  ...of(
    'src/core/options.ts',
    ['test/core/options.test.ts'],
    ['value < min ||', 'value <= min ||'],
    ['|| value > max)', '|| value >= max)'],
  ),
  ...of(
    'src/providers/local/jwe.ts',
    CIPHERTEXT,
    ['tag.length !== TAG_BYTES', 'false'],
    ['content.length > MAX_PLAINTEXT_BYTES', 'false'],
    ['=== MEMBERS.length * 4', '>= MEMBERS.length * 4'],
  ),
  ...of('src/providers/local/master-key.ts', CIPHERTEXT, ['length === MASTER_KEY_BYTES', 'length >= MASTER_KEY_BYTES']),
  ...of('src/util/guarded-file.ts', CIPHERTEXT, ['(mode & 0o077) === 0', 'true'], ['uid === self &&', '']),
  ...of(
    'src/providers/shared/ciphertext.ts',
    ['test/providers/shared/ciphertext.test.ts', ...CIPHERTEXT],
    ['bytes.length > MAX_CIPHERTEXT_BYTES', 'false'],
    ['bytes.length < MIN_CIPHERTEXT_BYTES', 'false'],
  ),
  ...of(
    'src/prices/values/price-limits.ts',
    LIMITS,
    ['price >= min', 'price > min'],
    ['price <= max', 'price < max'],
    ['age > maxAge', 'age >= maxAge'],
    ['age < -MAX_AHEAD_MS', 'age <= -MAX_AHEAD_MS'],
  ),
  ...of('src/prices/values/price-jumps.ts', LIMITS, ['this.#maxChange + ROUNDING', 'this.#maxChange - ROUNDING']),
];
