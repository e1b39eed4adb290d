/**
 * Test kit for code that uses goldkey: `import { manualClock, startFakeKms } from 'goldkey/testing'`
 *
 * @module
 */
export { assertNoSecret } from './testing/assert-no-secret.js';
export { keyProviderContract } from './testing/contract.js';
export { startFakeKms } from './testing/fake-kms.js';
export { startFakePriceApi } from './testing/fake-price-api.js';
export { manualClock } from './testing/manual-clock.js';
export { memoryKeyProvider } from './testing/memory-provider.js';
export type { ProviderFixture, TestRunner } from './testing/contract.js';
export type { FakeKms, FakeKmsOptions, KmsFault } from './testing/fake-kms.js';
export type { FakePriceApi, FakePriceApiOptions, PriceFault } from './testing/fake-price-api.js';
export type { ManualClock } from './testing/manual-clock.js';
export type { MemoryKeyProvider } from './testing/memory-provider.js';
