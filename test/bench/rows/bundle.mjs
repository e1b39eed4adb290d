import { bundledBytes } from '../lib/bundle.mjs';
import { figure, figureLine } from '../lib/line.mjs';

const LIMIT = 16 * 1024;
const LIGHT = `export * from 'goldkey'; export * from 'goldkey/kms-light';`;
const SDK = `export { DecryptCommand, KMSClient } from '@aws-sdk/client-kms';`;
const NAIVE = `${SDK} export * from 'lru-cache'; export { default as pRetry } from 'p-retry'; export * from 'undici';`;

function kilobytes(bytes) {
  return `${figure(Math.round((bytes / 1024) * 10) / 10)} KB`;
}

/** Row 13: the same whatever the Node.js. */
export const bundle = {
  rows: ['13'],
  async run() {
    const ours = await bundledBytes(LIGHT, ['@aws-sdk/*']);
    const [sdk, naive] = [await bundledBytes(SDK), await bundledBytes(NAIVE)];
    return [
      figureLine({
        row: '13',
        what: 'bundle of the root and kms-light, minified, gzip',
        ours: kilobytes(ours),
        against: `client-kms alone: ${kilobytes(sdk)}; naive: ${kilobytes(naive)}`,
        ratio: (ours / sdk).toFixed(3),
        budget: '≤ 16 KB',
        value: ours,
        limit: LIMIT,
      }),
    ];
  },
};
