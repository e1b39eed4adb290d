import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hmacSigner, hmacVerifier, SignatureError, webhookSigner, webhookVerifier } from '../../src/hmac/index.js';
import { KeyedClient } from '../../src/index.js';
import { memoryKeyProvider } from '../../src/testing/index.js';
import { snippetsIn } from '../examples/guides.js';
import { endWithProcess } from '../programs/at-exit.mjs';
import { orSkip } from '../servers/or-skip.js';
import { run, stopped } from '../servers/process.js';
import { installPython } from '../servers/python.js';

const KEY = 'signing-key-00001';
const SECRET = `whsec_${Buffer.from('an invented secret of 33 bytes...').toString('base64')}`;
const BODY = '{"metal":"XAU","café":1}';
const PACKAGES = ['http-message-signatures>=3,<4', 'standardwebhooks>=1.1,<2'];
const found = await orSkip(() => installPython('http-signatures', ...PACKAGES));

/** What the Python server and the Python client share. Takes the key and the secret. */
const COMMON = `
import base64, datetime, http.client, http.server, json, secrets, sys
from http_message_signatures import HTTPMessageVerifier, MappingKeyResolver, algorithms
from standardwebhooks import Webhook
key, secret = sys.argv[1].encode(), sys.argv[2]
resolver = MappingKeyResolver(public_keys={'v1': key}, private_keys={'v1': key})
webhook = Webhook(secret)
class Message:
    def __init__(self, method, url, headers):
        self.method, self.url, self.headers = method, url, headers
`;

/** Verifies what comes: 200 with what is covered, 401 with the error. Prints its port. */
const SERVER = `${COMMON}
verifier = HTTPMessageVerifier(signature_algorithm=algorithms.HMAC_SHA256, key_resolver=resolver)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.rfile.read(int(self.headers.get('content-length', 0)))
        try:
            if self.path == '/webhook':
                webhook.verify(body, dict(self.headers.items()))
                said = ['webhook']
            else:
                url = f"http://{self.headers['host']}{self.path}"
                message = Message(self.command, url, dict(self.headers.items()))
                required = ('@method', '@authority', '@path', '@query')
                [result] = verifier.verify(message, expect_tag='orders', require_components=required, body=body)
                said = list(result.covered_components)
            status = 200
        except Exception as error:
            status, said = 401, [type(error).__name__]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(said).encode())
    do_POST = do_PUT = do_GET
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
`;

/** Returns the program in the guide, indented, which signs `request` and `body` with `key`. */
async function readGuide(): Promise<string> {
  const [program = ''] = snippetsIn(await readFile('examples/signing/README.md', 'utf8'), 'python');
  expect(program).toContain('signer.sign(request');
  return program.replaceAll(/^(?=.)/gm, '    ');
}

/** Signs as the guide does, and sends. Takes after the key and the secret: method, port, path, body, and the body that is sent. Prints the answer. */
const CLIENT = `${COMMON}
method, port, path, body, sent = sys.argv[3:]
now = datetime.datetime.now(datetime.timezone.utc)
headers = {}
if path == '/webhook':
    headers = {
        'webhook-id': 'msg_' + secrets.token_hex(8),
        'webhook-timestamp': str(int(now.timestamp())),
    }
    headers['webhook-signature'] = webhook.sign(headers['webhook-id'], now, body)
else:
    request = Message(method, f'http://127.0.0.1:{port}{path}', headers)
    body = body.encode() or None
${await readGuide()}connection = http.client.HTTPConnection('127.0.0.1', int(port))
connection.request(method, path, body=sent.encode() or None, headers=headers)
answer = connection.getresponse()
print(answer.status, answer.read().decode())
`;

describe.skipIf(found.skipped !== undefined)(`signatures and Python ${found.skipped ?? ''}`, () => {
  const python = join(found.server ?? '', 'python');
  const client = new KeyedClient({ keyProvider: memoryKeyProvider({ current: KEY }) });
  const webhooks = new KeyedClient({ keyProvider: memoryKeyProvider({ current: SECRET }) });
  const signer = hmacSigner(client, { tag: 'orders' });
  let inPython: ChildProcess;
  let inNode: Server;
  let ports: { python: number; node: number };

  beforeAll(async () => {
    const child = endWithProcess(spawn(python, ['-c', SERVER, KEY, SECRET], { stdio: ['ignore', 'pipe', 'inherit'] }));
    inPython = child;
    const [port] = (await once(createInterface(child.stdout), 'line')) as [string];
    const verifier = hmacVerifier(client);
    const verifyWebhook = webhookVerifier(webhooks);
    inNode = createServer((request, response) => {
      void (async () => {
        const { method = '', url = '', headers } = request;
        const body = await buffer(request);
        try {
          const verified =
            url === '/webhook'
              ? await verifyWebhook.verify({ headers, body })
              : await verifier.verify({ method, url: `http://${headers.host ?? ''}${url}`, headers, body });
          response.end(verified.version);
        } catch (error) {
          response.writeHead(401).end(error instanceof SignatureError ? error.reason : String(error));
        }
      })();
    }).listen(0, '127.0.0.1');
    await once(inNode, 'listening');
    ports = { python: Number(port), node: (inNode.address() as AddressInfo).port };
  });
  afterAll(async () => {
    inNode.close();
    await stopped(inPython);
  });

  /** Sends a request from Python to Node.js. Resolves to status and body of the answer. */
  async function sendFromPython(method: string, path: string, body: string, sent: string = body): Promise<string> {
    const argv = ['-c', CLIENT, KEY, SECRET, method, String(ports.node), path, body, sent];
    return (await run(python, argv, { timeout: 30_000 })).stdout.trim();
  }
  const atPython = (path: string): string => `http://127.0.0.1:${String(ports.python)}${path}`;

  it.each([
    ['GET', '/orders?limit=10&q=a%20b', undefined],
    ['GET', '/', undefined],
    ['POST', '/orders', BODY],
    ['PUT', '/a%2Fb/caf%C3%A9?', 'x'],
  ])('%s %s: http-message-signatures takes what the signer’s fetch sends', async (method, path, body) => {
    const response = await signer.fetch(atPython(path), { method, ...(body !== undefined && { body }) });
    const covered = (await response.json()) as string[];
    expect({ status: response.status, covered }).toMatchObject({ status: 200 });
    expect(covered.includes('"content-digest"')).toBe(body !== undefined);
  });

  it.each<[string, { body?: string; path?: string; method?: string }]>([
    ['byte of the body', { body: BODY.replace('XAU', 'XAV') }],
    ['path', { path: '/order' }],
    ['query', { path: '/orders?all=1' }],
    ['method', { method: 'PUT' }],
  ])('http-message-signatures refuses it with another %s', async (_what, change) => {
    const sent = { method: 'POST', path: '/orders', body: BODY };
    const headers = await signer.sign({ ...sent, url: atPython(sent.path) });
    const send = async ({ path, ...init }: typeof sent): Promise<number> =>
      (await fetch(atPython(path), { ...init, headers: { ...headers } as Record<string, string> })).status;
    expect([await send(sent), await send({ ...sent, ...change })]).toEqual([200, 401]);
  });

  it.each([
    ['GET', '/orders?limit=10&q=a%20b', ''],
    ['GET', '/', ''],
    ['POST', '/orders', BODY],
    ['PUT', '/a%2Fb/caf%C3%A9', 'x'],
  ])('%s %s: the verifier takes what http-message-signatures signed', async (method, path, body) => {
    expect(await sendFromPython(method, path, body)).toBe('200 v1');
  });

  it('the verifier refuses it with one byte of the body changed', async () => {
    expect(await sendFromPython('POST', '/orders', BODY, BODY.replace('XAU', 'XAV'))).toBe('401 digest');
  });

  it('standardwebhooks takes what the signer of webhooks signed, and not with a changed byte', async () => {
    const headers = { ...(await webhookSigner(webhooks).sign({ id: 'msg_1', body: BODY })) };
    const send = async (body: string): Promise<number> =>
      (await fetch(atPython('/webhook'), { method: 'POST', body, headers })).status;
    expect([await send(BODY), await send(BODY.replace('XAU', 'XAV'))]).toEqual([200, 401]);
  });

  it('the verifier of webhooks takes what standardwebhooks signed, and not with a changed byte', async () => {
    expect(await sendFromPython('POST', '/webhook', BODY)).toBe('200 v1');
    expect(await sendFromPython('POST', '/webhook', BODY, BODY.replace('XAU', 'XAV'))).toBe('401 mismatch');
  });
});
