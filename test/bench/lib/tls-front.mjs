import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';

/**
 * TLS in front of a server on loopback that speaks none. Its certificate is made for this run; `certificate` is the file
 * that a client has to trust.
 */
export async function startTlsFront(target) {
  const folder = await mkdtemp(join(tmpdir(), 'goldkey-bench-'));
  try {
    const certificate = join(folder, 'certificate.pem');
    const keyFile = join(folder, 'key.pem');
    const made = [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-keyout',
      keyFile,
      '-out',
      certificate,
    ];
    const names = ['-subj', '/CN=kms of a benchmark', '-addext', 'subjectAltName=IP:127.0.0.1'];
    execFileSync('openssl', [...made, ...names], { stdio: 'ignore' });

    const { port } = new URL(target);
    const sockets = new Set();
    // Small packets that wait for each other would add 40 ms to every exchange.
    const noDelay = true;
    const options = { cert: await readFile(certificate), key: await readFile(keyFile), noDelay };
    const server = createServer(options, (socket) => {
      const behind = connect({ port: Number(port), host: '127.0.0.1', noDelay });
      for (const [one, other] of [
        [socket, behind],
        [behind, socket],
      ]) {
        sockets.add(one);
        one.on('error', () => other.destroy()).on('close', () => sockets.delete(one));
        one.pipe(other);
      }
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return {
      url: `https://127.0.0.1:${String(server.address().port)}`,
      certificate,
      async close() {
        for (const socket of sockets) socket.destroy();
        server.close();
        await rm(folder, { recursive: true });
      },
    };
  } catch (error) {
    await rm(folder, { recursive: true });
    throw error;
  }
}
