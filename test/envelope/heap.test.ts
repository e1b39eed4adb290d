import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { heapProgram } from '../core/heap-program.js';

const DIST = pathToFileURL(join(import.meta.dirname, '../../dist/esm')).href;

/** The plaintext is put together at run time, from a number alone: the sources in the heap must not hold it. */
const PROGRAM = `
import { randomBytes } from 'node:crypto';
import { writeHeapSnapshot } from 'node:v8';
import { writeFileSync } from 'node:fs';
import { KeyedClient } from '${DIST}/index.js';
import { envelope, fromEnvelope } from '${DIST}/envelope/envelope.js';
import { localCipher } from '${DIST}/providers/local/local.js';

const [, , file, mode] = process.argv;
const masterKeyFile = file + '.key';
writeFileSync(masterKeyFile, randomBytes(32).toString('base64'), { mode: 0o600 });
const own = localCipher({ masterKeyFile, encryptionContext: { a: 'b' } });
const given = [];
const copies = [];
const note = (dataKey) => { given.push(dataKey); copies.push(dataKey.slice()); return dataKey; };
const cipher = {
  ...own,
  encrypt: (key, options) => own.encrypt(note(key), options),
  decrypt: async (text, options) => note(await own.decrypt(text, options)),
};
const makeKey = () => Uint8Array.from({ length: 40 }, (_, i) => 97 + ((i * i * 7 + 3 * i + 11) % 26));
const plaintexts = [];
const clients = [];
async function use() {
  const bundle = Buffer.from(JSON.stringify({ a: Buffer.from(makeKey()).toString() }));
  for (const signed of [true, false]) {
    const sealed = envelope({ cipher, signed });
    const message = await sealed.encrypt(bundle);
    plaintexts.push(await sealed.decrypt(message));
    const client = new KeyedClient({ keyProvider: fromEnvelope({ message, cipher, field: 'a' }) });
    const length = await client.withKey(async ({ apiKey }) => ('Bearer ' + apiKey).length);
    if (length !== 47) throw new Error('It has another length.');
    if (mode === 'open') clients.push(Buffer.from(bundle).toString());
    else await client.close();
  }
  bundle.fill(0);
  plaintexts.forEach((plaintext) => plaintext.fill(0));
}
await use();
for (let round = 0; round < 5; round++) { await new Promise((resolve) => setImmediate(resolve)); globalThis.gc(); }
writeHeapSnapshot(file);
const isZero = (list) => list.every((bytes) => bytes.every((byte) => byte === 0));
const dataKeys = copies.flatMap((copy) => ['hex', 'base64'].map((form) => Buffer.from(copy).toString(form)));
console.log(JSON.stringify({ count: given.length, zero: isZero(given), dataKeys, random: copies.every((copy) => !isZero([copy])) }));
process.exit(0);
`;

const key = Buffer.from(Array.from({ length: 40 }, (_, i) => 97 + ((i * i * 7 + 3 * i + 11) % 26))).toString();
const snapshot = heapProgram<{ count: number; zero: boolean; random: boolean; dataKeys: string[] }>(PROGRAM);

describe('a heap snapshot of a program that made and read messages', () => {
  it('holds no plaintext and no data key, and every array that held one reads zero', { timeout: 60_000 }, async () => {
    const { report, heap } = await snapshot('closed');

    expect(report).toMatchObject({ count: 6, zero: true, random: true });
    for (const form of [key, Buffer.from(key).toString('hex'), Buffer.from(key).toString('base64').slice(0, 52)]) {
      expect(heap.includes(form)).toBe(false);
    }
    for (const form of report.dataKeys) expect(heap.includes(form)).toBe(false);
  });

  it('holds a plaintext that is kept, or the test above could never fail', { timeout: 60_000 }, async () => {
    expect((await snapshot('open')).heap.includes(key)).toBe(true);
  });
});
