// What a process does once it has let go of its keys: V8 and malloc use the memory again that held them.
import { Agent, get } from 'node:http';
import { Session } from 'node:inspector/promises';
import { setTimeout as pause } from 'node:timers/promises';

const session = new Session();
session.connect();

const collect = async () => {
  await pause(2);
  await session.post('HeapProfiler.collectGarbage');
};
const fillStack = (depth) => (depth === 0 ? 0 : 1 + fillStack(depth - 1));

/** Collects garbage, and reuses the stack and what V8 has freed: 32 MB of short-lived arrays, and 20 MB that live on. */
export async function reuseHeap() {
  let last;
  for (let count = 0; count < 32_768; count++) last = Array.from({ length: 120 }, () => count + 0.5);
  fillStack(5_000);
  const held = Array.from({ length: 100_000 }, (_none, count) => Array.from({ length: 4 + (count % 40) }, () => count));
  await collect();
  held.push(last);
  held.length = 0;
  await collect();
}

/** Reuses native memory, as the other work of a service does: buffers of all sizes, and answers of a server at `other`. */
export async function reuseNative(other) {
  const held = [];
  for (let size = 16; size <= 65_536; size = Math.ceil(size * 1.2)) {
    const count = Math.min(2_000, Math.ceil(262_144 / size));
    for (let index = 0; index < count; index++) held.push(Buffer.alloc(size, 0x78));
  }
  // Node.js's pool, which moves on after 8 KB.
  for (let index = 0; index < 100; index++) held.push(Buffer.from('y'.repeat(400)));
  const undici = await import('undici');
  // Its own: from Node.js 22 on the one that requests share may be that of Node.js, with a parser of its own.
  const dispatcher = new undici.Agent();
  const agent = new Agent({ keepAlive: false });
  const viaNode = () =>
    new Promise((resolve, reject) => {
      get(`${other}/60000`, { agent }, (response) => response.resume().on('end', resolve)).on('error', reject);
    });
  // No longer than the room in the memory of undici's parser, which would take other room.
  const viaUndici = async () => (await undici.request(`${other}/3000`, { dispatcher })).body.dump();
  await Promise.all(Array.from({ length: 20 }, () => [viaNode(), viaUndici()]).flat());
  return held.length;
}
