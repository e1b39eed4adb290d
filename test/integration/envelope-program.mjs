// The programs of envelope-memory.test.ts. They know a message and a master key; no plaintext is in their text.
import { readFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { envelope } from 'goldkey/envelope';
import { localCipher } from 'goldkey/local';
import { readPeakMemory } from '../programs/peak-memory.mjs';

const { work, masterKeyFile, messageFile, megabytes = 0 } = JSON.parse(process.argv[2]);
const cipher = localCipher({ masterKeyFile, encryptionContext: { service: 'a test of memory' } });
const kept = [];

const PIECE = 65_536;
function* zeros() {
  const count = (megabytes * 1_048_576) / PIECE;
  for (let index = 0; index < count; index++) yield new Uint8Array(PIECE);
}

const WORKS = {
  /** Encrypts and decrypts at once: what comes out of one stream goes into the other. */
  async stream() {
    const sealed = envelope({ cipher, signed: false });
    let length = 0;
    await pipeline(Readable.from(zeros()), sealed.encryptStream(), sealed.decryptStream(), async (plain) => {
      for await (const piece of plain) length += piece.length;
    });
    return { length, maxRss: readPeakMemory() };
  },
  async decrypt() {
    const message = readFileSync(messageFile);
    for (let round = 0; round < 10; round++) (await envelope({ cipher }).decrypt(message)).fill(0);
    return {};
  },
  async decryptStream() {
    const message = readFileSync(messageFile);
    for (let round = 0; round < 10; round++) {
      const stream = Readable.from([message]).pipe(envelope({ cipher }).decryptStream());
      for await (const piece of stream) piece.fill(0);
    }
    return {};
  },
  async keep() {
    kept.push(Buffer.from(await envelope({ cipher }).decrypt(readFileSync(messageFile))));
    const decrypt = async (...args) => {
      const dataKey = await cipher.decrypt(...args);
      kept.push(Buffer.from(dataKey));
      return dataKey;
    };
    kept.push(Buffer.from(await envelope({ cipher: { ...cipher, decrypt } }).decrypt(readFileSync(messageFile))));
    return {};
  },
};

const fillStack = (depth) => (depth === 0 ? 0 : 1 + fillStack(depth - 1));
const session = new Session();
session.connect();
console.log(JSON.stringify(await WORKS[work]()));
for await (const order of createInterface({ input: process.stdin })) {
  // Collects garbage, and reuses what was freed, as the other work of a service does.
  for (let round = 0; round < 3; round++) {
    const held = [fillStack(5_000)];
    for (let size = 16; size <= 262_144; size = Math.ceil(size * 1.2)) {
      const count = Math.min(2_000, Math.ceil(1_048_576 / size));
      for (let index = 0; index < count; index++) held.push(Buffer.alloc(size, 0x78));
    }
    for (let index = 0; index < 100; index++) held.push(Buffer.from('y'.repeat(400)));
    await new Promise((resolve) => setTimeout(resolve, 2));
    await session.post('HeapProfiler.collectGarbage');
  }
  console.log(order);
}
