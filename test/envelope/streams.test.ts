import { randomBytes } from 'node:crypto';
import { PassThrough, Readable, Writable, type Duplex } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { describe, expect, it, vi } from 'vitest';
import { envelope } from '../../src/envelope/index.js';
import type { KeyCipher } from '../../src/index.js';
import { cut, failureOf, isZero, newCipher, through, watchCipher } from './scene.js';

const turns = async (count = 20): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe.each([true, false])('the streams (signed: %s)', (signed) => {
  it.each([0, 1, 65_536, 1_000_001])('give back %i bytes, in pieces of any length', { timeout: 60_000 }, async (n) => {
    const sealed = envelope({ cipher: await newCipher(), signed });
    const data = randomBytes(n);

    for (const size of [997, 65_536, 2_000_000]) {
      const message = await through(sealed.encryptStream(), cut(data, size));
      expect((await through(sealed.decryptStream(), cut(message, size))).equals(data)).toBe(true);
      expect(Buffer.from(await sealed.decrypt(message)).equals(data)).toBe(true);
    }
    const whole = await sealed.encrypt(data);
    expect((await through(sealed.decryptStream(), [whole])).equals(data)).toBe(true);
  });

  it('take strings as UTF-8, and no other values', async () => {
    const sealed = envelope({ cipher: await newCipher(), signed });

    const message = await through(sealed.encryptStream(), ['2.000 ', '€']);

    expect((await through(sealed.decryptStream(), [message])).toString()).toBe('2.000 €');
    for (const stream of [sealed.encryptStream(), sealed.decryptStream()]) {
      expect((await failureOf(through(stream, [{ key: 1 }]))).code).toBe('ERR_INVALID_ARG_VALUE');
    }
  });

  it('are bound as `encrypt` and `decrypt` are', async () => {
    const sealed = envelope({ cipher: await newCipher(), signed });
    const bind = { tenant: 'a' };
    const message = await through(sealed.encryptStream({ bind }), ['gold']);

    expect((await through(sealed.decryptStream({ bind }), [message])).toString()).toBe('gold');
    expect(Buffer.from(await sealed.decrypt(message, { bind })).toString()).toBe('gold');
    expect((await failureOf(through(sealed.decryptStream(), [message]))).code).toBe('ERR_GOLDKEY_DECRYPT');
  });

  it('fail with the error of the source, and of the cipher', async () => {
    const cipher = await newCipher();
    const broken = new Error('The source broke.');
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield randomBytes(100_000);
      throw broken;
    };
    const sealed = envelope({ cipher, signed });
    const denied = new Error('Denied.');
    const failing: KeyCipher = { ...cipher, encrypt: () => Promise.reject(denied) };

    expect(await failureOf(through(sealed.encryptStream(), source()))).toBe(broken);
    expect(await failureOf(through(envelope({ cipher: failing, signed }).encryptStream(), ['gold']))).toBe(denied);
  });

  it('zero the data key when whoever reads goes away', async () => {
    const cipher = watchCipher(await newCipher());
    const sealed = envelope({ cipher, signed, frameLength: 1_000 });
    const message = await sealed.encrypt(randomBytes(500_000));

    for (const [stream, data] of [
      [sealed.encryptStream(), randomBytes(500_000)],
      [sealed.decryptStream(), message],
    ] as const) {
      const duplex = stream as Duplex;
      const asked = cipher.given.length;
      const failed = failureOf(pipeline(Readable.from(cut(data, 10_000)), duplex, new PassThrough()));
      await vi.waitFor(() => expect(cipher.given.length).toBeGreaterThan(asked));
      duplex.destroy();
      expect((await failed).code).toMatch(/^(ERR_STREAM_PREMATURE_CLOSE|ABORT_ERR)$/);
      await vi.waitFor(() => expect(cipher.given.map(isZero)).not.toContain(false));
    }
    expect(cipher.copies.map(isZero)).toEqual([false, false, false]);
    await turns();
  });

  it('do not read ahead of whoever reads', async () => {
    const sealed = envelope({ cipher: await newCipher(), signed: false });
    const given = { count: 0 };
    const source = function* (): Generator<Uint8Array> {
      for (; given.count < 1_000; given.count++) yield new Uint8Array(65_536);
    };
    const stuck = new Writable({ objectMode: true, highWaterMark: 1, write: () => undefined });
    const stream = sealed.encryptStream() as Duplex;
    const failed = failureOf(pipeline(Readable.from(source()), stream, stuck));
    await turns(2_000);

    expect(given.count).toBeGreaterThan(0);
    expect(given.count).toBeLessThan(100);
    stream.destroy();
    await failed;
  });
});

describe('the plaintext of a stream', () => {
  it('with a signature is held until the signature has been checked', async () => {
    const sealed = envelope({ cipher: await newCipher(), frameLength: 1_000 });
    const message = await sealed.encrypt(randomBytes(50_000));
    const stream = sealed.decryptStream() as Duplex;
    const out: Uint8Array[] = [];
    stream.on('data', (piece: Uint8Array) => out.push(piece));

    for (const piece of cut(message.subarray(0, -1), 5_000)) stream.write(piece);
    await turns(300);
    expect(out).toEqual([]);
    stream.end(message.subarray(-1));
    await finished(stream);
    expect(Buffer.concat(out)).toHaveLength(50_000);
  });

  it('with a wrong signature is never given', async () => {
    const sealed = envelope({ cipher: await newCipher(), frameLength: 1_000 });
    const message = Buffer.from(await sealed.encrypt(randomBytes(50_000)));
    message[message.length - 1] = (message.at(-1) ?? 0) ^ 1;
    const out: Uint8Array[] = [];

    const error = await failureOf(through(sealed.decryptStream(), cut(message, 5_000), (piece) => out.push(piece)));

    expect(error.code).toBe('ERR_GOLDKEY_DECRYPT');
    expect(out).toEqual([]);
  });

  it('without a signature is given frame by frame, each of them checked', async () => {
    const sealed = envelope({ cipher: await newCipher(), signed: false, frameLength: 1_000 });
    const message = Buffer.from(await sealed.encrypt(randomBytes(50_000)));
    const stream = sealed.decryptStream() as Duplex;
    let length = 0;
    stream.on('data', (piece: Uint8Array) => (length += piece.length));

    stream.write(message.subarray(0, 10_000));
    await vi.waitFor(() => expect(length).toBeGreaterThanOrEqual(9_000));
    const rest = message.subarray(10_000);
    rest[20_000] = (rest[20_000] ?? 0) ^ 1;
    const failed = failureOf(finished(stream));
    stream.end(rest);
    expect((await failed).code).toBe('ERR_GOLDKEY_DECRYPT');
    expect(length % 1_000).toBe(0);
    expect(length).toBeLessThan(30_000);
  });

  it('is limited by `maxPlaintext` where it is held: all of it with a signature, a frame without', async () => {
    const cipher = await newCipher();
    const [signed, unsigned] = [true, false].map((each) =>
      envelope({ cipher, signed: each, frameLength: 1_000, maxPlaintext: 5_000 }),
    ) as [ReturnType<typeof envelope>, ReturnType<typeof envelope>];
    const large = envelope({ cipher, signed: false, frameLength: 6_000 });
    const data = randomBytes(5_001);
    const message = await through(signed.encryptStream(), [data]);

    expect((await failureOf(through(signed.decryptStream(), cut(message, 100)))).code).toBe('ERR_GOLDKEY_FORMAT');
    const streamed = await through(unsigned.encryptStream(), [data]);
    expect(await through(unsigned.decryptStream(), cut(streamed, 100))).toHaveLength(5_001);
    expect((await failureOf(unsigned.decrypt(streamed))).code).toBe('ERR_GOLDKEY_FORMAT');
    expect((await failureOf(through(unsigned.decryptStream(), [await large.encrypt(data)]))).code).toBe(
      'ERR_GOLDKEY_FORMAT',
    );
  });
});
