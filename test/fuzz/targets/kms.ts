import { Agent } from 'node:http';
import { Duplex } from 'node:stream';
import { checkAnswer, encodeKey } from '../../../src/core/index.js';
import { fromKmsLight } from '../../../src/providers/kms-light/index.js';
import { request } from '../../providers/loading.js';
import { hurried } from '../lib/clock.js';
import { check, checkDocumented, checkError, checkLastMatch, clearLastMatch, KEY_WORDS, putKey } from '../lib/key.js';
import type { Target } from '../lib/target.js';

const SECRET = 'fuzz-secret-access-key-0123456789';
const KEY_ID = 'arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555';
const OPTIONS = {
  ciphertext: Buffer.alloc(100, 1).toString('base64'),
  encryptionContext: { service: 'gold-data-stream' },
  keyId: KEY_ID,
  region: 'eu-west-1',
  endpoint: 'http://127.0.0.1:1',
  credentials: { accessKeyId: 'AKIAFUZZ', secretAccessKey: SECRET },
} as const;

/**
 * Answers of KMS to Decrypt. After `json STATUS` and headers up to an empty line comes a body; any other input is the whole
 * answer as it comes from the network. Each load ends in a key that a client takes, or in a typed error.
 */
export const target: Target = {
  words: [
    ...['json 200', 'json 400', 'json 500', 'json 429', 'x-amzn-errortype: ', 'date: ', '\r\n', '\n\n', KEY_ID],
    ...[
      'HTTP/1.1 200 OK\r\n',
      'Content-Length: 0\r\n',
      'Transfer-Encoding: chunked\r\n',
      '100 Continue',
      '101',
      '0\r\n\r\n',
    ],
    ...[
      'AccessDeniedException',
      'InvalidCiphertextException',
      'ThrottlingException',
      'InvalidSignatureException',
      'Plaintext',
    ],
    ...['{{key:base64}}', ...KEY_WORDS],
  ],
  async run(input) {
    let sent = 0;
    const answer = formatAnswer(putKey(input.toString('latin1')));
    const agent = new Agent();
    Object.assign(agent, {
      createConnection() {
        sent++;
        return connect(answer);
      },
    });
    const provider = fromKmsLight({ ...OPTIONS, agent });
    clearLastMatch();
    try {
      const loaded = checkAnswer(await provider.load(request(hurried)), { provider: provider.name });
      checkLastMatch();
      check(loaded !== undefined && 'bytes' in loaded, 'There is no key, and no error.');
      check(encodeKey(loaded.bytes, { provider: provider.name }).length > 0, 'The key is empty.');
    } catch (error) {
      // What KMS says of an error is passed on. It never holds a plaintext.
      if (/^HTTP\/\S+ [3-5]/.test(answer)) checkDocumented(error);
      else checkError(error);
      check(
        !`${String((error as Error).stack)}${(error as Error).message}`.includes(SECRET),
        'The error shows a secret.',
      );
    } finally {
      check(sent < 20, 'More than twenty requests were sent.');
      await provider.close?.();
      agent.destroy();
    }
  },
};

/** Returns the bytes of an answer. */
function formatAnswer(text: string): string {
  if (!text.startsWith('json ')) return text;
  const [head = '', ...rest] = text.split('\n\n');
  const [first = '', ...headers] = head.split('\n');
  const body = rest.join('\n\n');
  const status = /^json [2-5]\d\d$/.test(first) ? first.slice(5) : '200';
  const lines = [`HTTP/1.1 ${status} Answer`, ...headers, `content-length: ${String(body.length)}`, '', body];
  return lines.join('\r\n');
}

/** Returns a connection on which the answer comes as soon as something is sent, and which ends then. */
function connect(answer: string): Duplex {
  const socket = new Duplex({
    read() {},
    write(_chunk, _encoding, callback) {
      callback();
      if (isAnswered) return;
      isAnswered = true;
      socket.push(Buffer.from(answer, 'latin1'));
      socket.push(null);
    },
  });
  let isAnswered = false;
  const nothing = (): Duplex => socket;
  return Object.assign(socket, {
    setKeepAlive: nothing,
    setNoDelay: nothing,
    setTimeout: nothing,
    ref: nothing,
    unref: nothing,
  });
}
