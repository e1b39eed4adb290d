import { checkAnswer, encodeKey, type KeyProvider } from '../../../src/core/index.js';
import { fromVault, fromVaultTransit } from '../../../src/providers/vault/index.js';
import { request } from '../../providers/loading.js';
import { hurried } from '../lib/clock.js';
import { check, checkError, checkHidden, checkLastMatch, clearLastMatch, KEY, KEY_WORDS, putKey } from '../lib/key.js';
import type { Target } from '../lib/target.js';

const TOKEN = 'hvs.fuzz-token-0123456789';
const SECRET_ID = 'fuzz-secret-id-0123456789';
const ADDRESS = 'http://127.0.0.1:1';
const CIPHERTEXT = `vault:v1:${Buffer.alloc(60, 1).toString('base64')}`;
const approle = { method: 'approle', roleId: 'gold', secretId: SECRET_ID } as const;
const token = { method: 'token', token: TOKEN } as const;

/** The ways to load, by the first word of an input. */
const WAYS: Readonly<Record<string, (dispatcher: object) => KeyProvider>> = {
  read: (dispatcher) => fromVault({ address: ADDRESS, auth: token, path: 'gold', dispatcher }),
  field: (dispatcher) => fromVault({ address: ADDRESS, auth: token, path: 'gold', field: 'api', dispatcher }),
  stages: (dispatcher) =>
    fromVault({ address: ADDRESS, auth: token, path: 'gold', stages: { current: 'live', previous: 2 }, dispatcher }),
  login: (dispatcher) => fromVault({ address: ADDRESS, auth: approle, path: 'gold', dispatcher }),
  transit: (dispatcher) =>
    fromVaultTransit({ address: ADDRESS, auth: token, keyName: 'gold', ciphertext: CIPHERTEXT, dispatcher }),
};

/**
 * Answers of Vault, one after the other with `---` between them, each a status, a `Retry-After` if any, and a body from the
 * next line on; the first line says how to load. Each load ends in a key that a client takes, or in a typed error.
 */
export const target: Target = {
  words: [
    ...[...Object.keys(WAYS), '\n---\n200\n', '\n---\n403\n', '\n---\n404\n{"errors":[]}', '429 1', '503', '307'],
    ...[
      '{"errors":["permission denied"]}',
      '{"data":{"data":{"key":"{{key:JSON-escaped}}"},"metadata":{"version":1}}}',
    ],
    ...['capabilities', 'created_time', 'deletion_time', 'destroyed', 'custom_metadata', 'live', 'client_token', TOKEN],
    ...['{{key:base64}}', '{{key:JSON-escaped}}', ...KEY_WORDS],
  ],
  async run(input) {
    const [way = '', ...lines] = putKey(input.toString('utf8')).split('\n');
    const answers = lines.join('\n').split('\n---\n').map(parseAnswer);
    let sent = 0;
    const dispatcher = {
      async request() {
        const { status, retryAfter, body } = answers[Math.min(sent++, answers.length - 1)] ?? { status: 500, body: '' };
        return { statusCode: status, headers: { 'retry-after': retryAfter }, body: [Buffer.from(body)] };
      },
    };
    const make = (Object.hasOwn(WAYS, way) ? WAYS[way] : undefined) ?? WAYS['read'];
    const provider = make?.(dispatcher);
    check(provider !== undefined, 'There is no such way to load.');
    // Again with the version that is known: it may be answered by its metadata alone.
    let known: string[] = [];
    for (const stage of ['current', 'current', 'previous'] as const) {
      clearLastMatch();
      try {
        const answer = checkAnswer(await provider.load(request(hurried, { stage, known })), {
          provider: provider.name,
        });
        checkLastMatch();
        if (answer === undefined) check(stage !== 'current', 'There is no current key, and no error.');
        else if ('unchanged' in answer)
          check(known.includes(answer.version ?? ''), 'A version that is not known is unchanged.');
        else {
          check(encodeKey(answer.bytes, { provider: provider.name }).length > 0, 'The key is empty.');
          const { version = '', createdAt, expiresAt } = answer;
          checkHidden(version, 'The version');
          for (const time of [createdAt, expiresAt])
            check(time === undefined || Number.isFinite(time), 'A time is no number.');
          known = [version];
        }
      } catch (error) {
        checkLastMatch();
        checkError(error);
        checkSecrets(error);
      }
    }
    check(sent < 100, 'More than a hundred requests were sent.');
    await provider.close?.();
  },
};

function parseAnswer(text: string): { status: number; retryAfter: string | undefined; body: string } {
  const [first = '', ...rest] = text.split('\n');
  const [code = '', retryAfter] = first.split(' ');
  return { status: /^[1-5]\d\d$/.test(code) ? Number(code) : 200, retryAfter, body: rest.join('\n') };
}

/** Throws if an error shows what goldkey itself sent. */
function checkSecrets(error: unknown): void {
  const { message, stack } = error as Error;
  for (const secret of [TOKEN, SECRET_ID, KEY])
    check(!`${message}${String(stack)}`.includes(secret), 'The error shows a secret.');
}
