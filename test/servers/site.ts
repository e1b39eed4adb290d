import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';

/** A folder of files on loopback, below a path, as a project's site on GitHub Pages is. */
export interface Site extends AsyncDisposable {
  /** `http://127.0.0.1:<port>/<name>/` */
  readonly url: string;
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
};

/** Serves the files of a folder below `/<name>/`. */
export async function serveSite(folder: string, name: string): Promise<Site> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
    // A browser asks for it unasked.
    if (path === '/favicon.ico') return void response.writeHead(204).end();
    const file = path.startsWith(`/${name}/`)
      ? normalize(path.slice(name.length + 1)).replace(/\/$/, '/index.html')
      : '';
    readFile(join(folder, file)).then(
      (content) => response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'text/plain' }).end(content),
      () => response.writeHead(404).end(),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}/${name}/`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
