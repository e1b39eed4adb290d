import { createServer, Socket, type AddressInfo, type Server } from 'node:net';
import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Collector } from '../../src/http/bounded-body.js';
import { NodeHttp } from '../../src/http/node-http.js';
import { failure } from '../providers/loading.js';

const KEY = 'aW52ZW50ZWQta2V5LTQ3MTE=';
const OK = 'HTTP/1.1 200 OK\r\n';
const servers: { server: Server; sockets: Socket[]; http: NodeHttp }[] = [];
afterEach(() => {
  vi.restoreAllMocks();
  for (const { server, sockets, http } of servers.splice(0)) {
    http.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});

/** A server that answers each request with bytes of its own. */
async function answering(answer: (socket: Socket) => void): Promise<NodeHttp> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', () => {
      answer(socket);
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const http = new NodeHttp(origin, { maxSockets: 2 });
  servers.push({ server, sockets, http });
  return http;
}

const ask = (http: NodeHttp, signal = new AbortController().signal): ReturnType<NodeHttp['send']> =>
  http.send({ origin: '', path: '/', method: 'POST', headers: {}, body: '{}', signal }, 1_000);

describe('Node’s own client', () => {
  it.each(['', 'connection: close\r\n'])('an answer that switches protocols is an error at once', async (more) => {
    const http = await answering((socket) => {
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\n${more}connection: upgrade\r\nupgrade: websocket\r\n\r\n${KEY}`,
      );
    });

    expect(await failure(ask(http))).toMatchObject({ code: 'ECONNRESET' });
  });

  it.each([
    ['a wrong chunk', `${OK}transfer-encoding: chunked\r\n\r\n18\r\n${KEY}\r\nzz\r\n`],
    ['text after the end', `${OK}content-length: 2\r\n\r\n{}${KEY}`],
    ['two lengths', `${OK}content-length: 2\r\ncontent-length: 3\r\n\r\n${KEY}`],
    ['no status', `HTTP/1.1 0 OK\r\n\r\n${KEY}`],
    ['another protocol', `SSH-2.0-${KEY}\r\n`],
  ])('the error about %s does not quote the answer', async (_, bytes) => {
    const http = await answering((socket) => socket.write(bytes));

    const error = (await failure(ask(http))) as object;

    expect(error).toMatchObject({ code: expect.stringMatching(/^HPE_/) });
    expect(Object.values(error).some((value) => Buffer.isBuffer(value))).toBe(false);
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(KEY);
  });

  it.each([
    ['an interim answer before it', `HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${OK}content-length: 2\r\n\r\n{}`],
    ['another one behind it', `${OK}content-length: 2\r\n\r\n{}`.repeat(2)],
  ])('an answer is read with %s', async (_, bytes) => {
    const http = await answering((socket) => socket.write(bytes));

    for (const time of ['first', 'second']) expect([time, (await ask(http)).text]).toEqual([time, '{}']);
  });

  it('what a connection has read is zeroed once it is parsed, in each answer on it', async () => {
    const read: Buffer[] = [];
    const connections = new Set<Socket>();
    vi.spyOn(Socket.prototype, 'push').mockImplementation(function (this: Socket, chunk: unknown) {
      if (Buffer.isBuffer(chunk) && chunk.includes(KEY)) {
        read.push(chunk);
        connections.add(this);
      }
      return Readable.prototype.push.call(this, chunk);
    });
    const http = await answering((socket) => socket.write(`${OK}content-length: 24\r\n\r\n${KEY}`));

    for (let count = 0; count < 3; count++) expect((await ask(http)).text).toBe(KEY);

    expect(read.map((chunk) => chunk.every((byte) => byte === 0))).toEqual([true, true, true]);
    expect(connections.size).toBe(1);
    // It waits for the next request, and listens for nothing.
    for (const connection of connections) await expect.poll(() => connection.listenerCount('data')).toBe(0);
  });

  it('the body of an answer is zeroed once it is taken', async () => {
    const add = vi.spyOn(Collector.prototype, 'add');
    const http = await answering((socket) => socket.write(`${OK}content-length: 24\r\n\r\n${KEY}`));

    expect((await ask(http)).text).toBe(KEY);

    const chunks = add.mock.calls.map(([chunk]) => chunk);
    expect(Buffer.concat(chunks)).toHaveLength(24);
    await expect.poll(() => chunks.every((chunk) => chunk.every((byte) => byte === 0))).toBe(true);
  });

  it('the field that was asked for comes as bytes, and is not in the text', async () => {
    const body = `{"Plaintext":"${KEY}"}`;
    const http = await answering((socket) =>
      socket.write(`${OK}content-length: ${String(body.length)}\r\n\r\n${body}`),
    );
    const { signal } = new AbortController();
    const asked = { origin: '', path: '/', method: 'POST', headers: {}, body: '{}', signal, secretField: 'Plaintext' };

    const { text, secret } = await http.send(asked, 1_000);

    expect([text, Buffer.from(secret ?? []).toString()]).toEqual(['{"Plaintext":""}', KEY]);
  });

  it('what an answer broken off has brought is zeroed', async () => {
    const chunks: Uint8Array[] = [];
    const add = vi.spyOn(Collector.prototype, 'add');
    const http = await answering((socket) => socket.write(`${OK}content-length: 100\r\n\r\n${KEY}`));
    const controller = new AbortController();
    const asked = failure(ask(http, controller.signal));
    await expect.poll(() => add.mock.calls.length).toBe(1);
    chunks.push(...add.mock.calls.map(([chunk]) => chunk));
    expect(Buffer.concat(chunks).toString()).toBe(KEY);

    controller.abort(new Error('enough'));

    expect(await asked).toMatchObject({ message: 'enough' });
    await expect.poll(() => chunks.every((chunk) => chunk.every((byte) => byte === 0))).toBe(true);
  });

  it('what an answer in pieces was put together in is zeroed', () => {
    const concat = vi.spyOn(Buffer, 'concat');
    const collected = new Collector(100);
    collected.add(Buffer.from('one '));
    collected.add(Buffer.from('two'));

    expect(collected.text()).toBe('one two');

    expect(concat.mock.results.map(({ value }) => (value as Buffer).every((byte) => byte === 0))).toEqual([true]);
  });
});
