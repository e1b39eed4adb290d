/**
 * Test kit for code that uses goldkey: `import { manualClock, startFakeKms } from 'goldkey/testing'`
 *
 * @module
 */
export { assertNoSecret } from './assert-no-secret.js';
export { keyProviderContract } from './contract/key-provider-contract.js';
export { startFakeKms } from './fake-kms/server.js';
export { startFakePriceApi } from './fake-price-api/server.js';
export { manualClock } from './manual-clock.js';
export { memoryKeyProvider } from './memory-provider.js';
export { recordCalls } from './record-calls.js';
export type { ProviderFixture, TestRunner } from './contract/key-provider-contract.js';
export type { FakeKms, FakeKmsOptions, KmsFault } from './fake-kms/server.js';
export type { FakePriceApi, FakePriceApiOptions, PriceFault } from './fake-price-api/server.js';
export type { LoopbackOptions, LoopbackServer } from './http/loopback-server.js';
export type { ManualClock } from './manual-clock.js';
export type { MemoryKeyProvider } from './memory-provider.js';
export type { RecordedCall } from './record-calls.js';
