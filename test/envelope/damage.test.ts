import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { envelope } from '../../src/envelope/index.js';
import { cut, failureOf, newCipher, through } from './scene.js';

const uncaught: unknown[] = [];
const note = (error: unknown): void => void uncaught.push(error);
beforeEach(() => {
  uncaught.length = 0;
  process.on('uncaughtException', note);
  process.on('unhandledRejection', note);
});
afterEach(async () => {
  // What a stream of the SDK still throws, it throws in a later turn.
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  process.off('uncaughtException', note);
  process.off('unhandledRejection', note);
  expect(uncaught).toEqual([]);
});

function flip(message: Uint8Array, at: number, mask = 1): Buffer {
  const changed = Buffer.from(message);
  changed[at] = (changed[at] ?? 0) ^ mask;
  return changed;
}

describe.each([true, false])('a message that was changed (signed: %s)', (signed) => {
  it('in any one byte of its header, body or footer is refused', { timeout: 60_000 }, async () => {
    const sealed = envelope({ cipher: await newCipher(), signed, frameLength: 16 });
    const message = await sealed.encrypt('0123456789'.repeat(4));
    const opened: number[] = [];
    const codes = new Set<string>();

    for (let at = 0; at < message.length; at++) {
      await sealed.decrypt(flip(message, at, at % 2 === 0 ? 1 : 0x80)).then(
        () => opened.push(at),
        (error: { code: string }) => codes.add(error.code),
      );
    }

    expect(opened).toEqual([]);
    expect([...codes]).toEqual(['ERR_GOLDKEY_DECRYPT']);
  });

  it('in one byte is refused by the stream too, in pieces of any length', { timeout: 60_000 }, async () => {
    const sealed = envelope({ cipher: await newCipher(), signed, frameLength: 16 });
    const message = await sealed.encrypt('0123456789'.repeat(4));
    const opened: number[] = [];
    const codes = new Set<string>();

    for (const size of [1, 7, 50]) {
      for (let at = size % 5; at < message.length; at += size === 1 ? 37 : 11) {
        await through(sealed.decryptStream(), cut(flip(message, at), size)).then(
          () => opened.push(at),
          (error: { code: string }) => codes.add(error.code),
        );
      }
    }

    expect(opened).toEqual([]);
    expect([...codes]).toEqual(['ERR_GOLDKEY_DECRYPT']);
  });

  it('is refused when it is long, its frames are many and the pieces cross them', async () => {
    const sealed = envelope({ cipher: await newCipher(), signed, frameLength: 1_000 });
    const message = await sealed.encrypt(randomBytes(300_000));
    const body = message.length - 300 * 1_032;

    // Around the beginning of a frame stand its number, its nonce and the tag of the frame before.
    for (let at = body + 100 * 1_032 - 20; at < body + 100 * 1_032 + 20; at += 3) {
      for (const size of [1_032, 10_321, 65_536, message.length]) {
        const error = await failureOf(through(sealed.decryptStream(), cut(flip(message, at), size)));
        expect(error.code).toBe('ERR_GOLDKEY_DECRYPT');
      }
    }
  });

  it('is refused when it was cut short anywhere, or is followed by anything', { timeout: 60_000 }, async () => {
    const sealed = envelope({ cipher: await newCipher(), signed, frameLength: 16 });
    const message = await sealed.encrypt('0123456789'.repeat(4));
    const cuts = Array.from({ length: message.length }, (_, length) => message.subarray(0, length));
    const longer = [1, 2, 70_000].map((length) => Buffer.concat([message, Buffer.alloc(length)]));

    for (const changed of [...cuts, ...longer, Buffer.concat([message, message])]) {
      expect((await failureOf(sealed.decrypt(changed))).code).toBe('ERR_GOLDKEY_DECRYPT');
    }
    for (const changed of [...cuts.filter((_, length) => length % 13 === 0), ...longer]) {
      expect((await failureOf(through(sealed.decryptStream(), cut(changed, 30)))).code).toBe('ERR_GOLDKEY_DECRYPT');
    }
  });

  it('in the order of its frames is refused', async () => {
    const sealed = envelope({ cipher: await newCipher(), signed, frameLength: 1_000 });
    const message = Buffer.from(await sealed.encrypt(new Uint8Array(4_000)));
    // A frame: its number, its nonce, its content, its tag.
    const frame = 4 + 12 + 1_000 + 16;
    const start = message.indexOf(Buffer.concat([Buffer.from([0, 0, 0, 1]), Buffer.alloc(11), Buffer.from([1])]));
    expect(start).toBeGreaterThan(0);
    const [first, second] = [0, 1].map((index) => message.subarray(start + index * frame, start + (index + 1) * frame));
    const swapped = Buffer.concat([
      message.subarray(0, start),
      second as Buffer,
      first as Buffer,
      message.subarray(start + 2 * frame),
    ]);

    expect(swapped).toHaveLength(message.length);
    expect((await failureOf(sealed.decrypt(swapped))).code).toBe('ERR_GOLDKEY_DECRYPT');
  });
});

it.each([
  ['nothing', ''],
  ['text', 'sk-invented/+&=0123456789'],
  ['base64 of a message', 'AgV4'.repeat(100)],
  ['a message of version 1', '\u0001\u0080\u0003\u0078'.repeat(100)],
  ['random bytes', randomBytes(500)],
])('what is no message is refused: %s', async (_, bytes) => {
  const sealed = envelope({ cipher: await newCipher(), signed: false });

  expect((await failureOf(sealed.decrypt(Buffer.from(bytes as string, 'latin1')))).code).toBe('ERR_GOLDKEY_DECRYPT');
  expect((await failureOf(through(sealed.decryptStream(), [Buffer.from(bytes as string)]))).code).toBe(
    'ERR_GOLDKEY_DECRYPT',
  );
});
