// Junk signatures, without end: what they cost. Takes the verifier's name (requests, webhooks, plain) and how many. Prints the
// reasons, what the store and the replay store were asked, the client's counts, and the heap at each tenth.
import { KeyedClient } from 'goldkey';
import { hmacSigner, hmacVerifier, plainSigner, plainVerifier, webhookSigner, webhookVerifier } from 'goldkey/hmac';
import { memoryKeyProvider } from 'goldkey/testing';

const [kind, many] = [process.argv[2], Number(process.argv[3])];
const store = memoryKeyProvider({ current: 'signing-key-00001', previous: 'signing-key-00000' });
const client = new KeyedClient({ keyProvider: store });
const added = [];
const replay = { add: (id) => added.push(id) > 0 };
const url = 'https://api.example/orders?limit=10';
const request = { method: 'POST', url, body: '{"metal":"XAU"}' };

const KINDS = {
  requests: {
    verifier: hmacVerifier(client, { replay }),
    sign: async () => hmacSigner(client).sign(request),
    mac: 'signature',
  },
  webhooks: {
    verifier: webhookVerifier(client, { replay }),
    sign: async () => webhookSigner(client).sign({ id: 'msg_1', body: request.body }),
    mac: 'webhook-signature',
  },
  plain: {
    verifier: plainVerifier(client, { replay }),
    sign: async () => plainSigner(client).sign(request),
    mac: 'x-signature',
  },
};
const { verifier, sign, mac } = KINDS[kind];
const genuine = { ...(await sign()) };
const names = Object.keys(genuine);

let state = 42;
/** Returns a whole number under `end`, the same in each run. */
const pick = (end) => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * end);
};
const bytes = (length) => Buffer.from(Array.from({ length }, () => pick(256)));
const replaced = (text, pattern, value) => text.replace(pattern, value);
const one = () => names[pick(names.length)];
const randomMac = (size = 32) => {
  if (kind === 'requests') return `goldkey=:${bytes(size).toString('base64')}:`;
  return kind === 'webhooks' ? `v1,${bytes(size).toString('base64')}` : bytes(size).toString('hex');
};
const time = (shift) => String(Math.floor(Date.now() / 1_000) + shift);
const withTime = (headers, at) => {
  const name = kind === 'webhooks' ? 'webhook-timestamp' : 'x-timestamp';
  if (kind !== 'requests') return { ...headers, [name]: at };
  return { ...headers, 'signature-input': replaced(headers['signature-input'], /created=\d+/, `created=${at}`) };
};

/** Each returns junk headers, or a junk request. */
const JUNK = [
  () => ({ headers: { ...genuine, [mac]: randomMac() } }),
  () => ({ headers: { ...genuine, [mac]: randomMac(pick(64)) } }),
  () => ({ headers: withTime(genuine, time(-301 - pick(1e6))) }),
  () => ({ headers: withTime(genuine, time(301 + pick(1e6))) }),
  () => ({ headers: { ...withTime(genuine, time(pick(200))), [mac]: randomMac() } }),
  () => ({ headers: { ...genuine, [one()]: bytes(pick(200)).toString('latin1') } }),
  () => ({ headers: { ...genuine, [one()]: 'x'.repeat(pick(16_384)) } }),
  () => ({ headers: { ...genuine, [mac]: `${'v1,AAAA '.repeat(pick(2_000))}` } }),
  () => ({ headers: { ...genuine, [mac]: [genuine[mac], randomMac()] } }),
  () => ({ headers: { ...genuine, [mac]: `${genuine[mac]},${genuine[mac]}` } }),
  () => ({ headers: { ...genuine, [one()]: undefined } }),
  () => ({ headers: {} }),
  () => ({ headers: { ...genuine, ['__proto__']: 'x', [mac]: randomMac() } }),
  () => {
    const name = one();
    const at = pick(genuine[name].length);
    const code = genuine[name].charCodeAt(at) ^ (1 << pick(7));
    return {
      headers: {
        ...genuine,
        [name]: genuine[name].slice(0, at) + String.fromCharCode(code) + genuine[name].slice(at + 1),
      },
    };
  },
  () => ({ headers: genuine, body: bytes(1 + pick(2_000)) }),
];
/** Junk that only a Signature-Input can be. */
const INPUTS = [
  (input) => replaced(input, /keyid="[^"]*"/, `keyid="${bytes(pick(100)).toString('hex')}"`),
  (input) => replaced(input, 'hmac-sha256', ['ed25519', 'none', 'rsa-v1_5-sha256'][pick(3)]),
  (input) => replaced(input, /nonce="[^"]*"/, `nonce="${bytes(pick(100)).toString('hex')}"`),
  (input) => replaced(input, /\(.*\)/, `(${'"@method" '.repeat(pick(300))})`),
  (input) => replaced(input, /\(.*\)/, `(${Array.from({ length: pick(300) }, () => `"h${pick(1e6)}"`).join(' ')})`),
  (input) => `${input}, ${input}`,
  (input) => `a=(), b=(), c=(), d=(), e=(), ${input}`,
  (input) => `${input}${';a'.repeat(pick(3_000))}`,
  () => `goldkey=${'('.repeat(pick(5_000))}`,
  () => `goldkey="${'\\"'.repeat(pick(3_000))}`,
  (input) => replaced(input, /created=\d+/, `created=${['-1', '1e9', '999999999999999', '1.5', '?1', '"1"'][pick(6)]}`),
];
if (kind === 'requests') {
  for (const change of INPUTS)
    JUNK.push(() => ({
      headers: { ...genuine, 'signature-input': change(genuine['signature-input']), [mac]: randomMac() },
    }));
}

// Every live key is held from here on.
await verifier.verify({ ...request, headers: await sign() });
added.length = 0;
const before = { loads: store.loads, counts: client.status().counts };
const reasons = {};
const heap = [];
for (let count = 0; count < many; count++) {
  const reason = await verifier.verify({ ...request, ...JUNK[count % JUNK.length]() }).then(
    () => 'accepted',
    (error) => error.reason ?? String(error.stack),
  );
  reasons[reason] = (reasons[reason] ?? 0) + 1;
  if ((count + 1) % Math.ceil(many / 10) !== 0) continue;
  globalThis.gc();
  heap.push(process.memoryUsage().heapUsed);
}
const after = { loads: store.loads, counts: client.status().counts };
const addedByJunk = added.length;
await verifier.verify({ ...request, headers: genuine });
console.log(
  JSON.stringify({ reasons, before, after, addedByJunk, added: added.length, heap, state: client.status().state }),
);
