import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { runChecks, type CheckResult } from '../../../src/cli/commands/doctor/check.js';
import { checkNode, isInRange } from '../../../src/cli/commands/doctor/host.js';
import { tryKmsCall } from '../../../src/providers/kms/dry-run.js';
import { computeFingerprint, KeyProviderError, systemClock, type Clock } from '../../../src/core/index.js';
import { startFakeKms, type FakeKms } from '../../../src/testing/fake-kms/server.js';
import { startFakePriceApi, type FakePriceApi } from '../../../src/testing/fake-price-api/server.js';
import { send, startLoopbackServer, type LoopbackServer } from '../../../src/testing/http/loopback-server.js';
import { manualClock } from '../../../src/testing/manual-clock.js';
import { formsOf, run, temporaryFolder, type Ran } from '../run.js';

const KEY = 'sk"test/+&=0123456';
const SECRET = 'invented-aws-secret/+0123456789';
const CALLER = 'arn:aws:iam::111122223333:user/ada';
const CONTEXT = { service: 'gold-data-stream', environment: 'test' };
const PAIRS = ['--encryption-context', 'service=gold-data-stream,environment=test'];
const CONTEXT_TEXT = PAIRS.join(' ');
const KEY_ID = ['--key-id', 'alias/gold-api-keys'];
const DAY_MS = 86_400_000;
const start = promisify(execFile);

let kms: FakeKms;
let api: FakePriceApi;
let sts: LoopbackServer;
let stsAnswer: { status: number; body: string };
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let at: string[];
let ciphertext: string[];

beforeAll(async () => {
  kms = await startFakeKms();
  api = await startFakePriceApi({ keys: [KEY] });
  sts = await startLoopbackServer(0, async (_, response) => {
    send(response, stsAnswer.status, { 'content-type': 'text/xml' }, stsAnswer.body);
  });
  at = ['--endpoint-url', kms.url, '--region', kms.region];
  ciphertext = ['--ciphertext', kms.encrypt(KEY, CONTEXT)];
});
beforeEach(async () => {
  for (const name of [
    'AWS_PROFILE',
    'AWS_REGION',
    'AWS_DEFAULT_REGION',
    'AWS_SESSION_TOKEN',
    'VAULT_ADDR',
    'VAULT_TOKEN',
  ]) {
    vi.stubEnv(name, undefined);
  }
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', SECRET);
  vi.stubEnv('AWS_ENDPOINT_URL_STS', sts.url);
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent/config');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent/credentials');
  vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');
  stsAnswer = { status: 200, body: `<R><Arn>${CALLER}</Arn></R>` };
  kms.reset();
  folder = await temporaryFolder();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await folder[Symbol.asyncDispose]();
});
afterAll(async () => {
  await kms.close();
  await api.close();
  await sts.close();
});

const path = (name: string): string => join(folder.path, name);
const kmsArgv = (): string[] => [...ciphertext, ...PAIRS, ...KEY_ID, ...at];
const shiftClock = (ms: number): Clock => ({ ...systemClock, now: () => systemClock.now() + ms });

interface Report {
  readonly ran: Ran;
  readonly ok: boolean;
  readonly checks: readonly CheckResult[];
  /** The checks that are neither well nor left out, without that of Node.js. */
  readonly bad: readonly CheckResult[];
}

async function examine(argv: readonly string[], options: Parameters<typeof run>[1] = {}): Promise<Report> {
  const ran = await run(['doctor', ...argv, '--json'], options);
  const shown = ran.stdout + ran.stderr;
  for (const secret of [...formsOf(KEY), ...formsOf(SECRET)]) expect(shown).not.toContain(secret);
  const { ok, checks } = JSON.parse(ran.stdout) as Report;
  const bad = checks.filter(({ id, status }) => id !== 'node' && status !== 'ok' && status !== 'skip');
  return { ran, ok, checks, bad };
}

async function makeLocal(): Promise<string[]> {
  const local = ['--local', '--master-key', path('gold.master-key')];
  await run(['create-key', ...local]);
  return local;
}

async function makeLocalKey(): Promise<string[]> {
  const local = await makeLocal();
  const { stdout } = await run(['encrypt', ...local, ...PAIRS], { piped: KEY });
  await writeFile(path('gold-key.txt'), stdout);
  return [...local, ...PAIRS, '--ciphertext-file', path('gold-key.txt')];
}

async function makeRing(...steps: readonly (readonly string[])[]): Promise<string[]> {
  const ring = ['--ring', path('gold.ring.json'), ...(await makeLocal()), ...PAIRS];
  for (const step of [['init'], ...steps]) {
    const ran = await run(['rotate', ...step, ...ring], { piped: step[0] === 'stage' ? 'another-key-0002' : KEY });
    expect(ran.code, ran.stderr).toBe(0);
  }
  return ring;
}

/** Splits the line of a repair into the words that a shell would make of it. */
async function splitWords(line: string): Promise<string[]> {
  const { stdout } = await start('sh', ['-c', `for word in ${line}; do printf '%s\\n' "$word"; done`]);
  return stdout.trimEnd().split('\n');
}

/** Carries out the line of a repair, as a user who pastes it. Returns the command line of a `goldkey doctor`. */
async function paste(fix: string | undefined, piped = KEY): Promise<string[] | undefined> {
  if (fix?.startsWith('goldkey ') !== true) {
    await start('sh', ['-c', fix ?? 'false']);
    return undefined;
  }
  const [, ...argv] = await splitWords(fix);
  if (argv[0] === 'doctor') return argv.slice(1);
  const ran = await run(argv, { piped });
  expect(ran.code, ran.stderr).toBe(0);
  return undefined;
}

/** Leaves out what differs from machine to machine. */
function normalize(text: string): string {
  return text
    .replace(/^.* node .*\n(?: +\S*fix: nvm install 24\S*\n)?/, '')
    .replace(/in \d+ ms/, 'in N ms')
    .replace(/client-kms [\d.]+/, 'client-kms N')
    .replaceAll(kms.url, 'URL')
    .replaceAll(kms.keyArn, 'ARN')
    .replaceAll(/\bc-[0-9a-f]{8}\b/g, 'c-N')
    .replaceAll(computeFingerprint(KEY), 'FINGERPRINT');
}

describe('doctor, where all is well', () => {
  it('says so in a line a check, exits with 0 and decrypts once', async () => {
    const ran = await run(['doctor', ...kmsArgv(), '--api', 'metals-api', '--api-url', api.url]);

    expect(ran.code).toBe(0);
    expect(normalize(ran.stdout)).toBe(`[ok]      packages     @aws-sdk/client-kms N
[skip]    files        no file holds a secret
[ok]      credentials  ${CALLER}, from env vars
[ok]      region       us-east-1
[ok]      endpoint     URL answers in N ms
[ok]      clock        within 30 s of the service
[ok]      key-state    ARN is enabled
[ok]      permission   kms:Decrypt would be allowed
[skip]    rotation     needs --ring
[ok]      context      version c-N, fingerprint FINGERPRINT, 18 characters
[skip]    key-age      the store does not record when a key was made; a ring does
[ok]      environment  no variable holds the key
[ok]      price-api    the price API accepts the key
`);
    expect(ran.stderr).toMatch(/^(?:All is well\.|1 warning: .*)\n$/);
    const answers = kms.requests.map(({ operation, status }) => `${operation} ${String(status)}`);
    expect(answers.slice(1)).toEqual(['DescribeKey 200', 'Decrypt 412', 'Decrypt 200']);
    for (const secret of [...formsOf(KEY), ...formsOf(SECRET)]) expect(ran.stdout + ran.stderr).not.toContain(secret);
  });

  it('does so for a ring under a master-key file, without the network', async () => {
    const { ran, checks, bad } = await examine([...(await makeRing()), '--offline']);

    expect(ran.code).toBe(0);
    expect(bad).toEqual([]);
    const made = checks.filter(({ status }) => status === 'ok').map(({ id }) => id);
    expect(made).toEqual(
      expect.arrayContaining(['packages', 'context', 'key-age', 'rotation', 'files', 'environment']),
    );
  });

  it('tries the permission to encrypt with --writer', async () => {
    const { ran, checks } = await examine([...kmsArgv(), '--writer']);

    expect(ran.code).toBe(0);
    expect(checks).toContainEqual(
      expect.objectContaining({ id: 'permission', message: 'kms:Decrypt and kms:Encrypt would be allowed' }),
    );
    expect(kms.requests.filter(({ operation, status }) => operation === 'Encrypt' && status === 412)).toHaveLength(1);
  });
});

interface Broken {
  readonly id: string;
  readonly says: RegExp;
  readonly fix: () => string;
  readonly status?: string;
  readonly arrange: () => Promise<readonly string[]> | readonly string[];
  readonly options?: Parameters<typeof run>[1] | (() => Parameters<typeof run>[1]);
  /** Lets AWS do what the line of the repair asks it for, or says why pasting it is left out. */
  readonly repaired?: (fix: string | undefined) => unknown;
}

/** Prints the policy that a repair names, which an administrator attaches. */
async function printPolicy(fix: string | undefined): Promise<void> {
  const ran = await run((await splitWords(fix ?? '')).slice(1));
  expect(ran.code, ran.stderr).toBe(0);
  expect(ran.stdout).toContain(kms.keyArn);
  kms.reset();
}

const flags = (): string => `--region us-east-1 --endpoint-url ${kms.url}`;

const BROKEN: Readonly<Record<string, Broken>> = {
  'a disabled KMS key': {
    id: 'key-state',
    says: /is disabled/,
    fix: () => `aws kms enable-key --key-id ${kms.keyArn} ${flags()}`,
    arrange: async () => {
      await callKms('DisableKey', { KeyId: kms.keyArn });
      return kmsArgv();
    },
    repaired: () => callKms('EnableKey', { KeyId: kms.keyArn }),
  },
  'a KMS key that will be deleted': {
    id: 'key-state',
    says: /will be deleted on \d{4}-\d\d-\d\d/,
    fix: () =>
      `aws kms cancel-key-deletion --key-id ${kms.keyArn} ${flags()} && aws kms enable-key --key-id ${kms.keyArn} ${flags()}`,
    arrange: async () => {
      await callKms('ScheduleKeyDeletion', { KeyId: kms.keyArn });
      return kmsArgv();
    },
    repaired: () => kms.reset(),
  },
  'an alias that does not exist': {
    id: 'key-state',
    says: /does not exist there/,
    fix: () => `goldkey create-key --alias alias/gold-typo ${flags()}`,
    arrange: () => [...kmsArgv(), '--key-id', 'alias/gold-typo'],
    repaired: () => 'the ciphertext is under another key',
  },
  'a caller who may not decrypt': {
    id: 'permission',
    says: /allow kms:Decrypt on the KMS key `alias\/gold-api-keys`/,
    fix: () => `goldkey policy --for reader --key-id ${kms.keyArn} ${CONTEXT_TEXT} ${flags()}`,
    arrange: () => {
      kms.inject('access-denied', { times: Infinity, operation: 'Decrypt' });
      return kmsArgv();
    },
    repaired: printPolicy,
  },
  'a caller who may not encrypt': {
    id: 'permission',
    says: /allow kms:Encrypt/,
    fix: () => `goldkey policy --for writer --key-id ${kms.keyArn} ${CONTEXT_TEXT} ${flags()}`,
    arrange: () => {
      kms.inject('access-denied', { times: Infinity, operation: 'Encrypt' });
      return [...kmsArgv(), '--writer'];
    },
    repaired: printPolicy,
  },
  'another EncryptionContext': {
    id: 'context',
    says: /--encryption-context differs/,
    fix: () => `goldkey encrypt --key-id alias/gold-api-keys --encryption-context service=another ${flags()}`,
    arrange: () => [...ciphertext, '--encryption-context', 'service=another', ...KEY_ID, ...at],
    repaired: () => 'shown below: the new ciphertext replaces the old one',
  },
  'another EncryptionContext than the ring records': {
    id: 'context',
    says: /EncryptionContext/,
    fix: () =>
      `goldkey doctor --ring ${path('gold.ring.json')} --local --master-key ${path('gold.master-key')} --encryption-context environment=test,service=gold-data-stream`,
    arrange: async () => [...(await makeRing()).slice(0, -1), 'service=gold'],
  },
  'a ciphertext that is the key itself': {
    id: 'context',
    says: /looks like a plaintext key/,
    fix: () => `goldkey encrypt --key-id alias/gold-api-keys ${CONTEXT_TEXT} ${flags()}`,
    arrange: () => ['--ciphertext', KEY, ...PAIRS, ...KEY_ID, ...at],
    repaired: () => 'shown below: the new ciphertext replaces the old one',
  },
  'a port where nothing listens': {
    id: 'endpoint',
    says: /http:\/\/127\.0\.0\.1:9 could not be reached \(ECONNREFUSED\)/,
    fix: () => `goldkey doctor --key-id alias/gold-api-keys ${CONTEXT_TEXT} --ciphertext … --region us-east-1`,
    arrange: () => [
      ...ciphertext,
      ...PAIRS,
      ...KEY_ID,
      '--endpoint-url',
      'http://127.0.0.1:9',
      '--region',
      'us-east-1',
    ],
    repaired: () => 'it would leave this machine',
  },
  'a clock that is five minutes fast': {
    id: 'clock',
    says: /The clock is \d+ s ahead of the service's/,
    fix: () => (process.platform === 'linux' ? 'sudo timedatectl set-ntp true' : expect.any(String)),
    arrange: () => kmsArgv(),
    options: { clock: shiftClock(300_000) },
    repaired: () => 'it would change this machine',
  },
  'a clock that is a minute slow': {
    id: 'clock',
    status: 'warn',
    says: /The clock is \d+ s behind the service's/,
    fix: () => (process.platform === 'linux' ? 'sudo timedatectl set-ntp true' : expect.any(String)),
    arrange: () => kmsArgv(),
    options: { clock: shiftClock(-60_000) },
    repaired: () => 'it would change this machine',
  },
  'no credentials': {
    id: 'credentials',
    says: /no AWS credentials/,
    fix: () => 'aws configure',
    arrange: () => {
      vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
      return kmsArgv();
    },
    repaired: () => vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE'),
  },
  'credentials that AWS refuses': {
    id: 'credentials',
    says: /GetCallerIdentity with ExpiredToken/,
    fix: () => 'aws configure --profile ops',
    arrange: async () => {
      await writeFile(
        path('config'),
        `[profile ops]\naws_access_key_id=AKIDEXAMPLE\naws_secret_access_key=${SECRET}\n`,
      );
      vi.stubEnv('AWS_CONFIG_FILE', path('config'));
      vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
      stsAnswer = { status: 403, body: '<Error><Code>ExpiredToken</Code><Message>no</Message></Error>' };
      return [...kmsArgv(), '--profile', 'ops'];
    },
    repaired: () => (stsAnswer = { status: 200, body: `<Arn>${CALLER}</Arn>` }),
  },
  'a profile that nobody has written': {
    id: 'credentials',
    says: /has no profile of the name in AWS_PROFILE/,
    fix: () => 'aws configure --profile ops',
    arrange: () => {
      vi.stubEnv('AWS_PROFILE', 'ops');
      return [...ciphertext, ...PAIRS, ...KEY_ID, ...at];
    },
    repaired: () => vi.stubEnv('AWS_PROFILE', undefined),
  },
  'no Region': {
    id: 'region',
    says: /No AWS Region is set/,
    fix: () => 'export AWS_REGION=us-east-1',
    arrange: () => [...ciphertext, ...PAIRS, ...KEY_ID, '--endpoint-url', kms.url],
    repaired: () => vi.stubEnv('AWS_REGION', 'us-east-1'),
  },
  'another Region than that of the key': {
    id: 'region',
    says: /The Region is eu-west-1, and the key of --key-id is in us-east-1/,
    fix: () => 'export AWS_REGION=us-east-1',
    arrange: () => {
      vi.stubEnv('AWS_REGION', 'eu-west-1');
      return [...ciphertext, ...PAIRS, '--key-id', kms.keyArn, '--endpoint-url', kms.url];
    },
    repaired: () => vi.stubEnv('AWS_REGION', 'us-east-1'),
  },
  'a master key that others can read': {
    id: 'files',
    says: /has mode 0644/,
    fix: () => `chmod 600 ${path('gold.master-key')}`,
    arrange: async () => {
      const argv = await makeLocalKey();
      await chmod(path('gold.master-key'), 0o644);
      return argv;
    },
  },
  'a folder in which others can replace the master key': {
    id: 'files',
    says: /Other users may replace/,
    fix: () => `chmod go-w ${folder.path}`,
    arrange: async () => {
      const argv = await makeLocalKey();
      await chmod(folder.path, 0o777);
      return argv;
    },
  },
  'a master key behind a symbolic link': {
    id: 'files',
    says: /symbolic link/,
    fix: () => {
      const [link, copy] = [path('gold.master-key'), path('gold.master-key.new')];
      return `cp -p "$(realpath ${link})" ${copy} && mv ${copy} ${link}`;
    },
    arrange: async () => {
      const argv = await makeLocalKey();
      await start('mv', [path('gold.master-key'), path('elsewhere')]);
      await symlink(path('elsewhere'), path('gold.master-key'));
      return argv;
    },
  },
  'a master key in Git': {
    id: 'files',
    says: /is in Git/,
    fix: () => `git -C ${folder.path} rm --cached -- gold.master-key`,
    arrange: async () => {
      const argv = await makeLocalKey();
      await writeFile(path('.gitignore'), '*\n');
      await start('git', ['-C', folder.path, 'init', '-q']);
      await start('git', ['-C', folder.path, 'add', '-f', 'gold.master-key']);
      return argv;
    },
  },
  'a master key that Git does not ignore': {
    id: 'files',
    status: 'warn',
    says: /does not ignore/,
    fix: () => `echo /gold.master-key >> ${path('.gitignore')}`,
    arrange: async () => {
      const argv = await makeLocalKey();
      await start('git', ['-C', folder.path, 'init', '-q']);
      return argv;
    },
  },
  'a key in the environment': {
    id: 'environment',
    says: /The variable GOLD_API_KEY holds the key in plaintext/,
    fix: () => 'unset GOLD_API_KEY',
    arrange: () => kmsArgv(),
    options: { env: { GOLD_API_KEY: `${KEY}\n`, OTHER: 'a text of no interest' } },
    repaired: () => 'it is a line for the shell that started goldkey',
  },
  'a debugger': {
    id: 'environment',
    status: 'warn',
    says: /opens a debugger/,
    fix: () => 'unset NODE_OPTIONS',
    arrange: () => kmsArgv(),
    options: { env: { NODE_OPTIONS: '--inspect=0.0.0.0:9229' } },
    repaired: () => 'it is a line for the shell that started goldkey',
  },
  'a key that the price API refuses': {
    id: 'price-api',
    says: /refused the API key/,
    fix: () => `goldkey encrypt --key-id alias/gold-api-keys ${CONTEXT_TEXT} ${flags()}`,
    arrange: () => {
      const old = ['--ciphertext', kms.encrypt('a-key-that-was-revoked', CONTEXT)];
      return [...old, ...PAIRS, ...KEY_ID, ...at, '--api', 'metals-api', '--api-url', api.url];
    },
    repaired: () => 'shown below: the new ciphertext replaces the old one',
  },
  'no ring yet': {
    id: 'rotation',
    says: /no key ring/,
    fix: () =>
      `goldkey rotate init --ring ${path('gold.ring.json')} --local --master-key ${path('gold.master-key')} ${CONTEXT_TEXT}`,
    arrange: async () => ['--ring', path('gold.ring.json'), ...(await makeLocal()), ...PAIRS],
  },
  'a key of more than 90 days': {
    id: 'key-age',
    status: 'warn',
    says: /The key is 91 days old, and may be 90 days/,
    fix: () =>
      `goldkey rotate stage --ring ${path('gold.ring.json')} --local --master-key ${path('gold.master-key')} ${CONTEXT_TEXT}`,
    arrange: () => makeRing(),
    options: { clock: shiftClock(91 * DAY_MS) },
    repaired: () => 'the new key is promoted days later',
  },
  'a canary that clients gave up on': {
    id: 'rotation',
    status: 'warn',
    says: /Clients gave up on v2/,
    fix: () =>
      `goldkey rotate revert --ring ${path('gold.ring.json')} --local --master-key ${path('gold.master-key')} ${CONTEXT_TEXT}`,
    arrange: async () => {
      const argv = await makeRing(['stage'], ['canary', '--percent', '10']);
      await editRing((ring) => Object.assign(ring.rollout, { revertedAt: new Date().toISOString() }));
      return argv;
    },
  },
  'an old key that was never retired': {
    id: 'rotation',
    status: 'warn',
    says: /The old key, v1, is kept although its overlap is over/,
    fix: () =>
      `goldkey rotate retire --ring ${path('gold.ring.json')} --local --master-key ${path('gold.master-key')} ${CONTEXT_TEXT}`,
    arrange: () => makeRing(['stage'], ['promote', '--overlap', '1ms']),
  },
};

interface RingText {
  readonly rollout: object;
}

async function editRing(edit: (ring: RingText) => unknown): Promise<void> {
  const ring = JSON.parse(await readFile(path('gold.ring.json'), 'utf8')) as RingText;
  edit(ring);
  await writeFile(path('gold.ring.json'), JSON.stringify(ring));
}

async function callKms(operation: string, input: object): Promise<void> {
  const headers = { 'x-amz-target': `TrentService.${operation}` };
  const { status } = await fetch(kms.url, { method: 'POST', headers, body: JSON.stringify(input) });
  expect(status).toBe(200);
}

describe.each(Object.entries(BROKEN))('doctor, with %s', (_, broken) => {
  it(`names ${broken.id} alone, and the line that repairs it`, async () => {
    const { id, says, status = 'fail', options, repaired } = broken;
    const argv = await broken.arrange();
    const given = typeof options === 'function' ? options() : options;
    const { ran, bad, ok } = await examine(argv, given);

    const [found, ...rest] = bad;
    expect(found).toMatchObject({ id, status, message: expect.stringMatching(says), fix: broken.fix() });
    expect(rest).toEqual([]);
    expect(ran).toMatchObject({ code: status === 'fail' ? 3 : 0, stderr: '' });
    expect(ok).toBe(status !== 'fail');

    // The line itself repairs it, or AWS and the shell do what it asks for.
    const done = repaired === undefined ? await paste(found?.fix, KEY) : await repaired(found?.fix);
    if (typeof done === 'string') return;
    const after = await examine(Array.isArray(done) ? (done as string[]) : argv, given);
    expect(after.bad.filter((check) => check.id === id)).toEqual([]);
    expect(after.ran.code).toBe(0);
  });
});

describe('the exit code of doctor', () => {
  const debugged = { env: { NODE_OPTIONS: '--inspect' } };

  it('is 0 with a warning, and 3 with --strict', async () => {
    expect((await examine(kmsArgv(), debugged)).ran.code).toBe(0);
    const { ran, ok } = await examine([...kmsArgv(), '--strict'], debugged);

    expect({ code: ran.code, ok }).toEqual({ code: 3, ok: false });
  });

  it('is 2 where no key is named, with all that is missing, and nothing on stdout', async () => {
    const ran = await run(['doctor', '--region', 'us-east-1']);

    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toMatch(/--ciphertext-file and --encryption-context are required/);
    expect(kms.requests).toEqual([]);
  });

  it.each([
    [['--store', 'mail://gold'], /--store must start with/],
    [['--master-key', 'gold.master-key'], /--master-key needs --local/],
    [['--max-age', 'long'], /--max-age must be a time/],
    [[...PAIRS, '--ciphertext', 'QUJD'.repeat(30), '--endpoint-url', 'ftp://example.com'], /--endpoint-url must be/],
  ])('is 2 for wrong usage: %j', async (argv, says) => {
    const ran = await run(['doctor', ...argv]);

    expect(ran).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(says) });
  });
});

describe('doctor on a terminal', () => {
  it('colours what each check found, and prints the repair below it', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
    const env = { NODE_OPTIONS: '--inspect' };
    const ran = await run(['doctor', ...kmsArgv()], { tty: true, env });
    const [green, red, dim, bold] = ['32m', '31m', '2m', '1m'].map((code) => `\u001B[${code}`);
    const [plain, normal] = ['\u001B[39m', '\u001B[22m'];

    expect(ran.code).toBe(3);
    expect(normalize(ran.stdout)).toBe(
      [
        `${green}[ok]     ${plain} packages     @aws-sdk/client-kms N`,
        `${dim}[skip]   ${normal} files        no file holds a secret`,
        `${red}[fail]   ${plain} credentials  AWS KMS sign-in failed with CredentialsProviderError: there are no AWS credentials to sign with; check the environment, the profile or the attached role.`,
        `          ${bold}fix: aws configure${normal}`,
        `${green}[ok]     ${plain} region       us-east-1`,
        `${green}[ok]     ${plain} endpoint     URL answers in N ms`,
        `${green}[ok]     ${plain} clock        within 30 s of the service`,
        `${dim}[skip]   ${normal} key-state    needs credentials`,
        `${dim}[skip]   ${normal} permission   needs credentials`,
        `${dim}[skip]   ${normal} rotation     needs --ring`,
        `${dim}[skip]   ${normal} context      needs credentials`,
        `${dim}[skip]   ${normal} key-age      needs credentials`,
        `${dim}[skip]   ${normal} environment  needs credentials`,
        `${dim}[skip]   ${normal} price-api    needs --api`,
        '',
      ].join('\n'),
    );
    expect(ran.stderr).toMatch(/1 failure(?:, 1 warning)?: run what stands after "fix:"\.\n$/);
  });

  it('prints no colour with NO_COLOR', async () => {
    const { stdout } = await run(['doctor', ...kmsArgv()], { tty: true, env: { NO_COLOR: '1' } });

    expect(stdout).toContain('[ok]      region');
    expect(stdout).not.toContain('\u001B');
  });
});

describe('an endpoint that takes its time', () => {
  it('is a failure, and the checks behind it are made all the same', async () => {
    let reads = 0;
    const clock = { ...systemClock, monotonic: () => 2_000 * reads++ };
    const { ran, bad, checks } = await examine(kmsArgv(), { clock });

    expect(ran.code).toBe(3);
    expect(bad).toEqual([expect.objectContaining({ id: 'endpoint', message: expect.stringContaining('answers in') })]);
    expect(checks.find(({ id }) => id === 'context')?.status).toBe('ok');
  });
});

describe('doctor --json', () => {
  it('has the version, the verdict and for each check id, status, message, fix and ms', async () => {
    const { ran } = await examine(kmsArgv(), { env: { GOLD_API_KEY: KEY } });
    const report = JSON.parse(ran.stdout) as { checks: CheckResult[] };

    expect(ran.stdout).toMatch(/^\{[^\n]+\}\n$/);
    expect(Object.keys(report)).toEqual(['version', 'ok', 'checks']);
    expect(report).toMatchObject({ version: expect.stringMatching(/^\d+\.\d+\.\d+/), ok: false });
    expect(report.checks.map(({ id }) => id)).toEqual(
      'node packages files credentials region endpoint clock key-state permission rotation context key-age environment price-api'.split(
        ' ',
      ),
    );
    for (const check of report.checks) {
      const names = ['id', 'status', 'message', ...(check.fix === undefined ? [] : ['fix']), 'ms'];
      expect(Object.keys(check)).toEqual(names);
      expect(check).toMatchObject({ message: expect.stringMatching(/./), ms: expect.any(Number) });
    }
  });
});

describe('what doctor leaves out', () => {
  it('asks nobody with --offline', async () => {
    const { ran, checks } = await examine([...kmsArgv(), '--offline']);

    expect(ran.code).toBe(0);
    expect(kms.requests).toEqual([]);
    expect(checks.find(({ id }) => id === 'context')).toMatchObject({
      status: 'skip',
      message: expect.stringContaining('--offline'),
    });
  });

  it('takes the right to describe the key as one that a reader need not have', async () => {
    kms.inject('access-denied', { times: Infinity, operation: 'DescribeKey' });
    const { ran, bad } = await examine(kmsArgv());

    expect(ran.code).toBe(0);
    const fix = `goldkey policy --for doctor --key-id arn:aws:kms:REGION:ACCOUNT:key/ID ${CONTEXT_TEXT} ${flags()}`;
    expect(bad).toEqual([expect.objectContaining({ id: 'key-state', status: 'unknown', fix })]);
  });

  it('takes a DescribeKey that KMS answers with DisabledException for a disabled key', async () => {
    kms.inject('disabled', { times: Infinity, operation: 'DescribeKey' });
    const { ran, bad } = await examine(kmsArgv());

    expect(ran.code).toBe(3);
    const fix = `aws kms enable-key --key-id alias/gold-api-keys ${flags()}`;
    expect(bad[0]).toEqual(
      expect.objectContaining({ id: 'key-state', status: 'fail', message: 'The KMS key is disabled.', fix }),
    );
  });

  it('does not take an STS that gives no answer for a failure', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_STS', 'http://127.0.0.1:9');
    const { ran, bad } = await examine(kmsArgv());

    expect(ran.code).toBe(0);
    expect(bad).toEqual([expect.objectContaining({ id: 'credentials', status: 'unknown' })]);
  });

  it('changes no file', async () => {
    const argv = await makeRing();
    const before = await Promise.all(
      (await readdir(folder.path)).map(async (name) => [name, await readFile(path(name))]),
    );
    await examine(argv);

    expect(
      await Promise.all((await readdir(folder.path)).map(async (name) => [name, await readFile(path(name))])),
    ).toEqual(before);
  });
});

describe('doctor on a plaintext file', () => {
  const bare = (file: string): string[] => ['--store', `file://${file}`];

  it('wants it closed, and says how', async () => {
    await writeFile(path('api.key'), KEY, { mode: 0o640 });
    const before = await examine(bare(path('api.key')));
    await paste(before.bad[0]?.fix);
    const after = await examine(bare(path('api.key')));

    expect(before.bad).toEqual([expect.objectContaining({ id: 'files', fix: `chmod 600 ${path('api.key')}` })]);
    expect({ code: after.ran.code, bad: after.bad }).toEqual({ code: 0, bad: [] });
  });

  it('leaves one in a volume of Kubernetes to Kubernetes', async () => {
    await mkdir(path('..2026_01_02_03_04_05.678'));
    await writeFile(path('..2026_01_02_03_04_05.678/api-key'), KEY, { mode: 0o644 });
    await symlink('..2026_01_02_03_04_05.678', path('..data'));
    await symlink('..data/api-key', path('api-key'));
    const { ran, bad } = await examine(bare(path('api-key')));

    expect({ code: ran.code, bad }).toEqual({ code: 0, bad: [] });
  });

  it('does not take the variable of env:// for a leak, but any other', async () => {
    vi.stubEnv('GOLD_API_KEY', KEY);
    const own = await examine(['--store', 'env://GOLD_API_KEY'], { env: { GOLD_API_KEY: KEY } });
    const other = await examine(['--store', 'env://GOLD_API_KEY'], { env: { GOLD_API_KEY: KEY, OLD_API_KEY: KEY } });

    expect(own.bad).toEqual([]);
    expect(other.bad).toEqual([expect.objectContaining({ id: 'environment', fix: 'unset OLD_API_KEY' })]);
  });
});

describe('doctor with a profile that asks for an MFA code', () => {
  it('prompts once, although several checks need the credentials', async () => {
    const config = [
      `[profile base]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = ${SECRET}`,
      '[profile mfa]\nrole_arn = arn:aws:iam::111122223333:role/reader\nsource_profile = base',
      'mfa_serial = arn:aws:iam::111122223333:mfa/ada\nregion = us-east-1\n',
    ].join('\n');
    await writeFile(path('config'), config);
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
    vi.stubEnv('AWS_CONFIG_FILE', path('config'));
    const credentials = '<AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>invented</SecretAccessKey>';
    const ends = `<SessionToken>invented</SessionToken><Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration>`;
    const result = `<AssumeRoleResult><Credentials>${credentials}${ends}</Credentials></AssumeRoleResult>`;
    stsAnswer = { status: 200, body: `<AssumeRoleResponse>${result}<Arn>${CALLER}</Arn></AssumeRoleResponse>` };

    const ran = await run(['doctor', ...kmsArgv(), '--profile', 'mfa', '--json'], { typed: ['123456\r'] });

    expect(ran.stderr).toBe('MFA code of arn:aws:iam::111122223333:mfa/ada: \n');
    expect(ran).toMatchObject({ code: 0, raw: [true, false] });
    expect(ran.stdout).toContain(`${CALLER}, from `);
    expect(ran.stdout).toMatch(/for (?:59|60) min/);
    expect(ran.stdout).not.toContain('123456"');
  });
});

describe('what doctor shows', () => {
  it.each([
    ['the password of an address', ['--endpoint-url', `http://ada:${SECRET.replaceAll('/', '')}@127.0.0.1:9`]],
    ['a profile that is a secret', ['--profile', SECRET]],
    ['a Region that is a secret', ['--region', SECRET]],
    ['a key id that is a secret', ['--key-id', 'Zm9vYmFyYmF6cXV4MDEyMw']],
    ['an EncryptionContext that is a secret', ['--encryption-context', `token=${SECRET}`]],
  ])('is never %s', async (_, argv) => {
    const given = [...ciphertext, ...(argv[0] === PAIRS[0] ? [] : PAIRS), ...KEY_ID, '--region', 'us-east-1'];
    const ran = await run(['doctor', ...given, '--endpoint-url', kms.url, ...argv, '--verbose']);

    expect(ran.code).not.toBe(0);
    for (const secret of [SECRET, SECRET.replaceAll('/', ''), 'Zm9vYmFyYmF6cXV4MDEyMw']) {
      expect(ran.stdout + ran.stderr).not.toContain(secret);
    }
  });

  it('is never what a price API or AWS echoes', async () => {
    stsAnswer = { status: 403, body: `<Error><Code>SignatureDoesNotMatch</Code><Message>${SECRET}</Message></Error>` };
    const { bad } = await examine(kmsArgv());

    expect(bad).toEqual([expect.objectContaining({ id: 'credentials', status: 'fail' })]);
  });
});

describe('the run of the checks', () => {
  const explain = (error: unknown) => ({ code: '', message: (error as Error).message, advice: 'Then do this.' });
  const ok = { status: 'ok', message: 'fine' } as const;

  it('ends a check after its five seconds, and the rest goes on meanwhile', async () => {
    const clock = manualClock();
    const never = new Promise<never>(() => undefined);
    const ran: string[] = [];
    const running = runChecks(
      [
        { id: 'endpoint', run: () => never },
        { id: 'clock', needs: ['endpoint'], run: () => ok },
        { id: 'files', run: () => (ran.push('files'), ok) },
      ],
      clock,
      explain,
    );
    await clock.advance(4_999);
    expect(ran).toEqual(['files']);
    await clock.advance(1);

    expect(await running).toEqual([
      {
        id: 'endpoint',
        ms: 5_000,
        status: 'fail',
        message: 'There was no answer within 5 s: check the network. Then do this.',
      },
      { id: 'clock', ms: 0, status: 'skip', message: 'needs endpoint' },
      { id: 'files', ms: 0, ...ok },
    ]);
  });

  it('names of a chain the check that failed, and goes on after a failure that hides nothing', async () => {
    const slow = { status: 'fail', message: 'slow' } as const;
    const results = await runChecks(
      [
        {
          id: 'region',
          run: () => Promise.reject(new KeyProviderError('No Region.')),
          repair: () => 'export AWS_REGION=x',
        },
        { id: 'endpoint', needs: ['region'], run: () => ok },
        { id: 'context', needs: ['region', 'endpoint'], run: () => ok },
        { id: 'files', run: () => ({ ...slow, goesOn: true }) },
        { id: 'environment', needs: ['files'], run: () => ok },
      ],
      systemClock,
      explain,
    );

    expect(results.map(({ id, status, message, fix }) => [id, status, message, fix])).toEqual([
      ['region', 'fail', 'No Region.', 'export AWS_REGION=x'],
      ['endpoint', 'skip', 'needs region', undefined],
      ['context', 'skip', 'needs region', undefined],
      ['files', 'fail', 'slow', undefined],
      ['environment', 'ok', 'fine', undefined],
    ]);
  });

  it('rejects with an error of its own: exit code 1', async () => {
    const broken = [{ id: 'files', run: () => Promise.reject(new TypeError('a bug')) } as const];

    await expect(runChecks(broken, systemClock, explain)).rejects.toThrow('a bug');
  });
});

describe('the version of Node.js', () => {
  const [before, after] = ['2026-04-01', '2026-05-01'].map((date) => Date.parse(date)) as [number, number];

  it.each([
    ['20.19.0', before, 'ok'],
    ['20.19.0', after, 'warn'],
    ['20.18.9', before, 'warn'],
    ['18.20.0', before, 'warn'],
    ['21.7.0', before, 'warn'],
    ['22.13.0', after, 'ok'],
    ['24.0.0', after, 'ok'],
    ['31.0.0', after, 'ok'],
  ])('%s at %d is %s', (version, now, status) => {
    expect(checkNode(version, now).status).toBe(status);
  });

  it.each([
    ['3.300.0', '^3.300.0', true],
    ['3.1162.0', '^3.300.0', true],
    ['3.299.9', '^3.300.0', false],
    ['4.0.0', '^3.300.0', false],
    ['5.1.0', '^4.7.0 || ^5.0.0', true],
    ['4.6.9', '^4.7.0 || ^5.0.0', false],
    ['1.0.6', '^1.0.6', true],
    ['1.0.5', '^1.0.6', false],
  ])('and of a package: %s in %s is %s', (version, range, isIn) => {
    expect(isInRange(version, range)).toBe(isIn);
  });
});

describe('a dry run that the service takes for a call', () => {
  it('tells nothing, and what it returned is zeroed', async () => {
    const plaintext = new TextEncoder().encode(KEY);
    const client = { send: () => Promise.resolve({ Plaintext: plaintext }) };
    const sdk = { DecryptCommand: Object, EncryptCommand: Object };
    const connection = { call: (_: unknown, use: (...given: unknown[]) => unknown) => use(sdk, client, {}) };
    const key = { connection, keyId: kms.keyArn } as unknown as Parameters<typeof tryKmsCall>[0];

    const { signal } = new AbortController();
    expect(await tryKmsCall(key, { operation: 'Decrypt', context: CONTEXT, signal })).toBeUndefined();
    expect(plaintext).toEqual(new Uint8Array(KEY.length));
  });
});
