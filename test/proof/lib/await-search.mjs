import { once } from 'node:events';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { reuseHeap, reuseNative } from '../../integration/reuse-memory.mjs';

/** Says that the program's work is done, and has freed memory used again as often as it is told, until it is told to end. */
export async function awaitSearch(orders = createInterface(process.stdin)) {
  const server = createServer((request, response) => response.end('x'.repeat(Number(request.url.slice(1)))));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const other = `http://127.0.0.1:${String(server.address().port)}`;
  process.stdout.write(`${JSON.stringify({ done: true })}\n`);
  let rounds = 0;
  for await (const order of orders) {
    if (JSON.parse(order) === 'end') break;
    await reuseHeap();
    await reuseNative(other);
    process.stdout.write(`${JSON.stringify({ [`reused ${String(rounds++)}`]: true })}\n`);
  }
  server.closeAllConnections();
  server.close();
}
