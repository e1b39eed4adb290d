// A price API in a process of its own: forked, it sends its port, and ends with its parent. It answers every GET with the
// same 300 bytes of JSON, and so costs as little as a server can.
import { createServer } from 'node:net';

const [price] = process.argv.slice(2).map(Number);
const END = '\r\n\r\n';

const rates = { XAU: 1 / price, USDXAU: price };
const fields = { success: true, timestamp: Math.floor(Date.now() / 1_000), base: 'USD', unit: 'per ounce', rates };
const unpadded = JSON.stringify({ ...fields, note: '' });
const body = JSON.stringify({ ...fields, note: 'x'.repeat(300 - unpadded.length) });
const answer = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${String(body.length)}${END}${body}`;

const server = createServer((socket) => {
  let rest = '';
  socket.setNoDelay(true).setEncoding('latin1');
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    const requests = (rest + chunk).split(END);
    rest = requests.pop();
    socket.write(answer.repeat(requests.length));
  });
});
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
process.on('disconnect', () => process.exit(0));
