import { fileURLToPath } from 'node:url';
import { bundled } from '../lib/bundle.mjs';
import { figure, figureLine } from '../lib/line.mjs';

const LIMIT = 24 * 1024;
const LIGHT = `export * from 'goldkey'; export * from 'goldkey/kms-light';`;
const SDK = `export { DecryptCommand, KMSClient } from '@aws-sdk/client-kms';`;
const NAIVE = `${SDK} export * from 'lru-cache'; export { default as pRetry } from 'p-retry'; export * from 'undici';`;
const resolveDir = fileURLToPath(new URL('../', import.meta.url));

function kilobytes(bytes) {
  return `${figure(Math.round((bytes / 1024) * 10) / 10)} KB`;
}

function both({ bytes, upFront }) {
  return `${kilobytes(bytes)} in all, ${kilobytes(upFront)} up front`;
}

/** Row 13: the same whatever the Node.js, and nothing left outside. */
export const bundle = {
  rows: ['13'],
  async run() {
    const ours = await bundled(LIGHT, { resolveDir });
    const sdk = await bundled(SDK, { resolveDir });
    const naive = await bundled(NAIVE, { resolveDir });
    return [
      figureLine({
        row: '13',
        what: 'bundle of the root and kms-light, minified, gzip',
        ours: both(ours),
        result: kilobytes(ours.bytes),
        against: `client-kms alone: ${both(sdk)}; naive: ${both(naive)}`,
        ratio: (ours.bytes / sdk.bytes).toFixed(3),
        budget: '≤ 24 KB',
        value: ours.bytes,
        limit: LIMIT,
      }),
    ];
  },
};
