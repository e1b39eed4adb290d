import { PassThrough, Writable } from 'node:stream';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { audit, streamSink } from '../../src/audit/index.js';
import { setUp } from '../core/helpers.js';

describe('streamSink', () => {
  it('writes one line a record, and waits for each', async () => {
    const stream = new PassThrough();
    const { gold } = setUp();
    const log = audit(gold, streamSink(stream));
    await gold.getPrice();
    await log.close();

    const lines = String(stream.read()).trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { event: string }).event)).toContain('key.loaded');
    expect(stream.writableEnded).toBe(false);
  });

  it('a write counts once the stream has called back', async () => {
    let callBack: () => void = () => undefined;
    const stream = new Writable({ write: (_chunk, _encoding, callback) => (callBack = callback) });
    let isWritten = false;
    const written = Promise.resolve(streamSink(stream).write('a')).then(() => (isWritten = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(isWritten).toBe(false);
    callBack();
    await written;
  });

  it('a reader that has gone (EPIPE, ECONNRESET) is told to onError, and neither call nor process fails', async () => {
    let peer: Socket | undefined;
    const server = createServer((socket) => void (peer = socket).on('error', () => undefined)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await once(socket, 'connect');
    await expect.poll(() => peer).toBeDefined();
    const errors: unknown[] = [];
    const { gold } = setUp();
    const log = audit(gold, streamSink(socket), { onError: (error) => void errors.push(error) });
    await log.flush();
    const gone = new Promise((resolve) => socket.on('close', resolve));
    peer?.resetAndDestroy();
    await gone;

    await expect(gold.getPrice()).resolves.toBe('XAU 2000');
    await log.flush();
    await log.close();
    server.close();
    expect(errors[0]).toMatchObject({
      code: expect.stringMatching(/^(EPIPE|ECONNRESET|ERR_STREAM_DESTROYED)$/) as string,
    });
  });

  it('refuses what is no stream', () => {
    for (const stream of [undefined, {}, 'stdout']) {
      expect(() => streamSink(stream as never)).toThrow(/`stream` must be a writable stream/);
    }
  });
});
