import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { LEASE, READ_USE, RELEASE, REPORT_USE, WRITE } from '../../../../src/rotation/stores/redis/scripts.js';

/** What the server answers: an `Error` is a refusal, `hang` no answer at all, `cut` the end of the connection. */
export type Reply = string | number | null | Error | Ok | readonly Reply[] | 'hang' | 'cut';

/** A simple string, as `+OK`. */
class Ok {
  readonly text: string;

  constructor(text = 'OK') {
    this.text = text;
  }
}

/** A server that speaks RESP2 and knows the commands of the ring store; real Redis runs the same tests in integration. */
export interface ScriptedRedis extends AsyncDisposable {
  readonly url: string;
  readonly texts: Map<string, string>;
  /** The name of every command that came, in order. */
  readonly commands: string[];
  /** Answers one of the coming commands of that name with this instead. */
  next(command: string, reply: Reply): void;
  /** Answers a command of that name with this always; `undefined` ends that. */
  always(command: string, reply: Reply | undefined): void;
  /** Cuts every connection. */
  cut(): void;
  readonly connections: () => number;
}

/** Starts it on a free port of loopback. */
export async function startScriptedRedis(): Promise<ScriptedRedis> {
  const texts = new Map<string, string>();
  const leases = new Map<string, { holder: string; fence: string; until: number }>();
  const uses = new Map<string, Map<string, string>>();
  const sockets = new Set<Socket>();
  const listeners = new Map<Socket, string>();
  const commands: string[] = [];
  const nexts: [string, Reply][] = [];
  const standing = new Map<string, Reply>();

  const scripts: Record<string, (keys: string[], args: string[]) => Reply> = {
    [WRITE]: ([key = ''], [expected, text = '', writeId, revision = '', format, channel = '']) => {
      const stored = texts.get(key);
      if (stored === undefined && expected !== '0') return ['absent'];
      if (stored !== undefined) {
        const ring = parsed(stored);
        const at = String(ring['revision']);
        if (ring['writeId'] === writeId && at === revision) return ['written'];
        const versions = ring['versions'] as Record<string, unknown> | undefined;
        const fits = ring['format'] === format && at === expected;
        if (!fits || versions?.[String(ring['current'])] === undefined) return ['kept', stored];
      }
      texts.set(key, text);
      for (const [socket, on] of listeners) if (on === channel) socket.write(encoded(['message', channel, revision]));
      return ['written'];
    },
    [LEASE]: ([key = '', fenceKey = ''], [holder = '', ttl]) => {
      const now = performance.now();
      let lease = leases.get(key);
      if (lease !== undefined && lease.until <= now) lease = undefined;
      if (lease !== undefined && lease.holder !== holder) return null;
      const time = Math.round((performance.timeOrigin + now) * 1_000);
      const fence = lease?.fence ?? String(Math.max(Number(texts.get(fenceKey) ?? 0) + 1, time));
      texts.set(fenceKey, fence);
      leases.set(key, { holder, fence, until: now + Number(ttl) });
      return fence;
    },
    [REPORT_USE]: ([key = ''], [instance = '', report = '', least]) => {
      const kept = [...(uses.get(key) ?? []), [instance, report] as const].filter(
        ([, text]) => (JSON.parse(text) as { at: number }).at >= Number(least),
      );
      uses.set(key, new Map(kept));
      return 1;
    },
    [READ_USE]: ([key = '']) => [...(uses.get(key)?.values() ?? [])],
    [RELEASE]: ([key = ''], [holder, fence]) => {
      const lease = leases.get(key);
      return lease?.holder === holder && lease?.fence === fence && leases.delete(key) ? 1 : 0;
    },
  };
  const answer = (socket: Socket, name: string, args: string[]): Reply => {
    switch (name) {
      case 'GET':
        return texts.get(args[0] ?? '') ?? null;
      case 'EVAL': {
        const keys = args.slice(2, 2 + Number(args[1]));
        const script = scripts[args[0] ?? ''];
        return script === undefined ? new Error('ERR no such script') : script(keys, args.slice(2 + keys.length));
      }
      case 'SUBSCRIBE':
        listeners.set(socket, args[0] ?? '');
        return ['subscribe', args[0] ?? '', 1];
      case 'PING':
        return listeners.has(socket) ? ['pong', ''] : new Ok('PONG');
      default:
        return new Ok();
    }
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket) && listeners.delete(socket));
    let read = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      read = Buffer.concat([read, chunk]);
      for (let found = command(read); found !== undefined; found = command(read)) {
        read = read.subarray(found.length);
        // Some of the client's are in lower case.
        const name = (found.words[0] ?? '').toUpperCase();
        commands.push(name);
        const planned = nexts.findIndex(([of]) => of === name);
        const scripted = planned === -1 ? standing.get(name) : nexts.splice(planned, 1)[0]?.[1];
        const reply = scripted === undefined ? answer(socket, name, found.words.slice(1)) : scripted;
        if (reply === 'cut') socket.destroy();
        else if (reply !== 'hang') socket.write(encoded(reply));
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `redis://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    texts,
    commands,
    next: (name, reply) => nexts.push([name, reply]),
    always(name, reply) {
      if (reply === undefined) standing.delete(name);
      else standing.set(name, reply);
    },
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    connections: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** The first whole command of what was read: an array of bulk strings. */
function command(read: Buffer): { words: string[]; length: number } | undefined {
  const line = (from: number): { value: number; end: number } | undefined => {
    const end = read.indexOf('\r\n', from);
    return end === -1 ? undefined : { value: Number(read.toString('latin1', from + 1, end)), end: end + 2 };
  };
  const head = line(0);
  if (head === undefined) return undefined;
  const words: string[] = [];
  let at = head.end;
  while (words.length < head.value) {
    const size = line(at);
    if (size === undefined || read.length < size.end + size.value + 2) return undefined;
    words.push(read.toString('utf8', size.end, size.end + size.value));
    at = size.end + size.value + 2;
  }
  return { words, length: at };
}

function encoded(reply: Reply): string {
  if (reply === null) return '$-1\r\n';
  if (reply instanceof Error) return `-${reply.message}\r\n`;
  if (reply instanceof Ok) return `+${reply.text}\r\n`;
  if (typeof reply === 'number') return `:${String(reply)}\r\n`;
  if (typeof reply === 'string') return `$${String(Buffer.byteLength(reply))}\r\n${reply}\r\n`;
  return `*${String(reply.length)}\r\n${reply.map(encoded).join('')}`;
}
