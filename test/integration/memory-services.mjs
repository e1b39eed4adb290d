// The key store and the price APIs of memory.test.ts, in a process of their own: they know the key, which the test sends.
import { createServer } from 'node:http';
import { startFakeKms, startFakePriceApi } from 'goldkey/testing';

const listen = (answer) =>
  new Promise((resolve) => {
    const server = createServer((request, response) => {
      const { status = 200, body } = answer(request.url);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`));
  });

process.on('disconnect', () => process.exit(0));
process.once('message', async ({ key, encryptionContext }) => {
  const kms = await startFakeKms();
  const metadata = { version: 1, created_time: new Date().toISOString(), deletion_time: '', destroyed: false };
  process.send({
    ciphertext: kms.encrypt(key, encryptionContext),
    kms: kms.url,
    vault: await listen(() => ({ body: { data: { data: { key }, metadata } } })),
    header: (await startFakePriceApi({ api: 'goldapi', keys: [key] })).url,
    query: (await startFakePriceApi({ api: 'metals-api', keys: [key] })).url,
    // Refuses gold, and fails for silver; the answers quote the request and the key.
    quoting: await listen((url) => ({
      status: url.includes('XAU') ? 401 : 500,
      body: { message: `Not valid: ${key}`, url, decoded: decodeURIComponent(url) },
    })),
    // What a service also reads while it lives; the path is the length.
    other: await listen((url) => ({ body: 'x'.repeat(Number(url.slice(1))) })),
  });
});
