import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A way to a server on loopback that can be shut: for servers that forget everything when they stop. */
export interface Gate extends AsyncDisposable {
  readonly url: string;
  /** Cuts every connection; new ones are refused. */
  shut(): Promise<void>;
  /** Lets connections in again, at the same address. */
  open(): Promise<void>;
}

/** @param url - of the server, `http://127.0.0.1:<port>` */
export async function gateTo(url: string): Promise<Gate> {
  const to = Number(new URL(url).port);
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let port = 0;

  const open = async (): Promise<void> => {
    server = createServer((near) => {
      const far = connect(to, '127.0.0.1');
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(socket);
        socket.on('error', () => other.destroy()).on('close', () => (other.destroy(), sockets.delete(socket)));
        socket.pipe(other);
      }
    }).listen(port, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  };
  const shut = async (): Promise<void> => {
    if (server === undefined) return;
    const closed = once(server, 'close');
    server.close();
    server = undefined;
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await open();
  return { url: `http://127.0.0.1:${String(port)}`, shut, open, [Symbol.asyncDispose]: shut };
}
