// One process of a fleet that signs or verifies with the keys of a ring in Redis. Told by its arguments: role, Redis, master-key
// file, and then, for `sign`, the verifiers' origins and for how long. A verifier prints its origin; a signer prints for each
// message its version and what the verifiers answered: every fifth goes to all of them at once.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { KeyedClient } from 'goldkey';
import { hmacSigner, hmacVerifier } from 'goldkey/hmac';
import { redisReplayStore } from 'goldkey/hmac/redis';
import { localCipher } from 'goldkey/local';
import { fromKeyRing } from 'goldkey/rotation';
import { redisRing } from 'goldkey/rotation/redis';

const [role, redis, masterKeyFile, origins, forMs] = process.argv.slice(2);
/** What all verifiers call themselves, wherever they listen. */
const ORIGIN = 'https://orders.example';

const client = new KeyedClient({
  keyProvider: fromKeyRing({
    ring: redisRing({ key: 'signing', url: redis }),
    name: 'signing',
    cipher: localCipher({ masterKeyFile, encryptionContext: { service: 'orders' } }),
  }),
  // Its bucket is in the first quarter, so that it takes part in the canary.
  instanceId: 'host-0',
});

async function serve() {
  const verifier = hmacVerifier(client, { replay: redisReplayStore({ key: 'replay', url: redis }) });
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    try {
      const { method, headers, url } = request;
      response.end((await verifier.verify({ method, headers, body, url: ORIGIN + url })).version);
    } catch (error) {
      response.writeHead(401).end(error.reason ?? error.code);
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  console.log(`http://127.0.0.1:${server.address().port}`);
}

async function signAll() {
  const verifiers = origins.split(',');
  const { sign } = hmacSigner(client);
  const pending = [];
  const until = Date.now() + Number(forMs);
  for (let count = 0; Date.now() < until; count++) {
    const message = { method: 'POST', url: `${ORIGIN}/orders?n=${count}`, body: `{"n":${count}}` };
    const send = async () => {
      const headers = { ...(await sign(message)), 'content-type': 'application/json' };
      const { version } = client.status();
      const to = count % 5 === 0 ? verifiers : [verifiers[count % verifiers.length]];
      const answers = await Promise.all(
        to.map(async (origin) => {
          const { method, body } = message;
          return (await fetch(`${origin}/orders?n=${count}`, { method, body, headers })).text();
        }),
      );
      console.log(JSON.stringify({ version, answers }));
    };
    pending.push(send().catch((error) => console.log(JSON.stringify({ answers: [String(error)] }))));
    await sleep(5);
  }
  await Promise.all(pending);
  await client.close();
}

await (role === 'verify' ? serve() : signAll());
