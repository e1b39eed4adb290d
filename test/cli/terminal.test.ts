import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { built, missing, ROOT } from '../examples/start-example.js';
import { startFakeKms } from '../../src/testing/fake-kms/server.js';
import { REGION, SERIAL, SESSION, SESSION_TOKEN, showCode, startFakeSts, USER } from './fake-sts.js';
import { formsOf, run, temporaryFolder } from './run.js';

const KEY = 'sk"test/+&=0123456';
const BIN = join(ROOT, 'dist/esm/cli/bin.js');

/** script(1) gives a program a terminal of its own. */
const hasScript = ((): boolean => {
  try {
    return execFileSync('script', ['--version']).toString().includes('util-linux');
  } catch {
    return false;
  }
})();
const skipped = hasScript ? missing : 'SKIPPED: script(1) of util-linux is missing';
if (!hasScript && (process.env['CI'] ?? '') !== '' && process.platform === 'linux') throw new Error(skipped);

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let local: string[];
beforeEach(async () => {
  folder = await temporaryFolder();
  local = ['--local', '--master-key', join(folder.path, 'master.key'), '--encryption-context', 'service=gold'];
  await run(['create-key', ...local.slice(0, 3)]);
});
afterEach(() => folder[Symbol.asyncDispose]());

/** Runs the published command on a terminal. `answer` types after what the terminal shows. */
async function onTerminal(
  argv: readonly string[],
  answer: (shown: string, type: (text: string) => void) => void,
  env: Readonly<Record<string, string>> = {},
) {
  const command = [process.execPath, BIN, ...argv].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-q', '-e', '-c', command, '/dev/null'], {
    env: { PATH: process.env['PATH'] ?? '', TERM: 'xterm', HOME: folder.path, ...env },
  });
  let shown = '';
  child.stdout.on('data', (chunk: Buffer) => {
    shown += chunk.toString();
    answer(shown, (text) => child.stdin.write(text));
  });
  const [code] = (await once(child, 'close')) as [number];
  for (const form of formsOf(KEY)) expect(shown).not.toContain(form);
  return { code, shown };
}

/** Types `text` once, as soon as the terminal shows `prompt`. */
function typeAt(prompt: string, text: string): Parameters<typeof onTerminal>[1] {
  let isTyped = false;
  return (shown, type) => {
    if (isTyped || !shown.includes(prompt)) return;
    isTyped = true;
    type(text);
  };
}

describe.skipIf(!built || !hasScript)(`on a terminal ${skipped}`, () => {
  it('a key is typed without being shown, and stored', async () => {
    const there = join(folder.path, 'api.key');
    const ran = await onTerminal(['put', '--store', `file://${there}`], typeAt('(not shown): ', `${KEY}\r`));

    expect(ran.code, ran.shown).toBe(0);
    expect(await readFile(there, 'utf8')).toBe(KEY);
  });

  it.each([
    ['at a prompt', ['encrypt'], '(not shown): ', 'Interrupted: nothing was done.'],
    ['between two rounds', ['price', '--watch', '1h'], 'could not be reached', 'Interrupted.'],
    [
      'while a step waits',
      ['rotate', 'status'],
      'reading the ring',
      'Interrupted: see with `npx goldkey rotate status`',
    ],
  ])('Ctrl-C %s is one sentence and the exit code 130', async (_, command, prompt, sentence) => {
    const { stdout } = await run(['encrypt', ...local], { piped: KEY });
    const more: Record<string, string[]> = {
      encrypt: [],
      // Nobody listens on this port.
      price: ['--ciphertext', stdout.trim(), '--api-url', 'http://127.0.0.1:9'],
      // A server that takes connections and never answers.
      rotate: ['--ring', `redis://127.0.0.1:${String(await silentPort())}/gold`],
    };

    const argv = [...command, ...local, ...(more[String(command[0])] ?? [])];
    const ran = await onTerminal(argv, typeAt(prompt, '\u0003'));

    expect(ran.code, ran.shown).toBe(130);
    expect(ran.shown).toContain(sentence);
    expect(ran.shown).not.toMatch(/\n\s+at /);
  });

  it('an MFA code is typed without being shown, once for all calls of KMS', async () => {
    await using kms = await startFakeKms({ region: REGION, credentials: SESSION });
    await using sts = await startFakeSts();
    const env = {
      AWS_ACCESS_KEY_ID: USER.accessKeyId,
      AWS_SECRET_ACCESS_KEY: USER.secretAccessKey,
      AWS_ENDPOINT_URL_STS: sts.url,
      AWS_REGION: REGION,
    };
    await writeFile(join(folder.path, 'key.txt'), KEY);
    const ring = ['--ring', join(folder.path, 'gold.ring.json'), '--key-file', join(folder.path, 'key.txt')];
    const at = ['--encryption-context', 'service=gold', '--key-id', kms.keyArn, '--endpoint-url', kms.url];
    // The end of its 30 s is too near for a code that is typed now.
    while (Date.now() % 30_000 > 25_000) await sleep(200);
    const code = showCode(Date.now());

    const ran = await onTerminal(
      ['rotate', 'init', ...ring, ...at, '--mfa-serial', SERIAL],
      typeAt('MFA code of', `${code}\r`),
      env,
    );

    expect(ran.code, ran.shown).toBe(0);
    expect(sts.requests).toMatchObject([{ Action: 'GetSessionToken', TokenCode: code }]);
    expect(kms.requests.map(({ operation }) => operation)).toEqual(['Encrypt', 'Decrypt']);
    for (const secret of [code, USER.secretAccessKey, SESSION.secretAccessKey, SESSION_TOKEN]) {
      expect(ran.shown).not.toContain(secret);
    }
  });

  it('a rotation shows its timeline', async () => {
    const ring = ['--ring', join(folder.path, 'gold.ring.json'), ...local];
    await run(['rotate', 'init', ...ring], { piped: KEY });
    const ran = await onTerminal(['rotate', 'status', ...ring], () => undefined);

    expect(ran.code, ran.shown).toBe(0);
    expect(ran.shown).toMatch(/v1 +current/);
  });
});

const servers: Array<{ close(): unknown }> = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function silentPort(): Promise<number> {
  const { createServer } = await import('node:net');
  const server = createServer((socket) => socket.on('error', () => undefined));
  servers.push({ close: () => server.close() });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as { port: number }).port;
}
