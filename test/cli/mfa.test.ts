import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startFakeKms, type FakeKms } from '../../src/testing/fake-kms/server.js';
import { manualClock, type ManualClock } from '../../src/testing/manual-clock.js';
import { REGION, SERIAL, SESSION, SESSION_TOKEN, showCode, startFakeSts, USER } from './fake-sts.js';
import { formsOf, run, temporaryFolder, type Ran } from './run.js';

const KEY = 'sk"test/+&=0123456';
const CONTEXT = { service: 'gold' };
const PROMPT = `MFA code of ${SERIAL}: \n`;
const AGAIN = /The code is wrong or was used before: wait for the next one \(\d+ s\)\.\n/;
/** The name that botocore gives the session of {@link ROLE}, of the same role with more settings, and of another one. */
const CACHED = '01a1b1ae6534b3a12f40c013089c0aa0071b8a2b';
const CACHED_WITH_MORE = 'c019467338e1f631aadbeb66812f6d54e85d1a54';
const CACHED_OTHER = '01a1b1ae6534b3a12f40c013089c0aa0071b8a2c';
const ROLE = `[profile ada]\nrole_arn = arn:aws:iam::111122223333:role/reader\nsource_profile = base\nmfa_serial = ${SERIAL} # hers\n`;
const MORE = 'role_session_name = ada@gold\nexternal_id=x:1/y\nduration_seconds = 7200\n';

let clock: ManualClock;
let kms: FakeKms;
let sts: Awaited<ReturnType<typeof startFakeSts>>;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  clock = manualClock(Date.now());
  // It takes the session's signature alone.
  kms = await startFakeKms({ region: REGION, credentials: SESSION });
  sts = await startFakeSts(() => clock.now());
  folder = await temporaryFolder();
  vi.stubEnv('HOME', folder.path);
  vi.stubEnv('AWS_ACCESS_KEY_ID', USER.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', USER.secretAccessKey);
  for (const name of ['AWS_SESSION_TOKEN', 'AWS_PROFILE', 'AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) {
    vi.stubEnv(name, undefined);
  }
  vi.stubEnv('AWS_ENDPOINT_URL_STS', sts.url);
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await kms.close();
  await sts[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** Decrypts a key, with what is typed at each prompt. */
async function verify(options: readonly string[], ...typed: readonly (string | (() => string))[]) {
  const at = ['--encryption-context', 'service=gold', '--endpoint-url', kms.url, '--region', REGION];
  const argv = ['verify', '--ciphertext', kms.encrypt(KEY, CONTEXT), ...at, ...options, '--verbose'];
  const answers = [...typed];
  const codes: string[] = [];
  const answer = (): string => {
    const next = answers.shift() ?? '\u0003';
    codes.push(typeof next === 'string' ? next : next());
    return `${codes.at(-1) ?? ''}\r`;
  };
  const ran = await run(argv, { clock, ...(typed.length > 0 && { typed: answer }) });
  expectNoSecret(ran, codes);
  return ran;
}

function expectNoSecret(ran: Ran, codes: readonly string[]): void {
  const secrets = [KEY, USER.secretAccessKey, SESSION.secretAccessKey, SESSION_TOKEN].flatMap(formsOf);
  for (const secret of [...secrets, ...codes.filter((code) => /^\d{6}$/.test(code))]) {
    expect(ran.stdout).not.toContain(secret);
    expect(ran.stderr).not.toContain(secret);
  }
}

const current = (): string => showCode(clock.now());
const next = (): string => {
  clock.freeze(30_000);
  return current();
};

describe('the device of these tests', () => {
  it.each([
    [59, '94287082'],
    [1_111_111_109, '07081804'],
    [20_000_000_000, '65353130'],
  ])('shows at second %i what RFC 6238 says', (second, code) => {
    expect(showCode(second * 1_000, 8)).toBe(code);
  });
});

describe('--mfa-serial', () => {
  it('opens a session of an hour with one code, by which KMS is called', async () => {
    const ran = await verify(['--mfa-serial', SERIAL], current);

    expect(ran).toMatchObject({ code: 0, stderr: PROMPT, raw: [true, false] });
    const [asked, ...more] = sts.requests;
    expect(more).toEqual([]);
    expect(asked).toEqual({
      Action: 'GetSessionToken',
      Version: '2011-06-15',
      SerialNumber: SERIAL,
      TokenCode: showCode(clock.now()),
      DurationSeconds: '3600',
    });
    expect(await readdir(folder.path)).toEqual([]);
  });

  it('asks for the next code where one is wrong, or was used before', async () => {
    sts.use(current());

    const ran = await verify(['--mfa-serial', SERIAL], '000000', current, next);

    expect(ran.code).toBe(0);
    expect(ran.stderr.split(AGAIN)).toEqual([PROMPT, PROMPT, PROMPT]);
  });

  it.each([
    ['wrong codes', ['000000', '111111', '000001'], 3, 'None of 3 MFA codes was the right one: check the device'],
    ['no codes', ['', '12345', 'abcdef'], 0, 'None of 3 answers was an MFA code: nothing was done.'],
  ])('ends after three %s', async (_, typed, calls, says) => {
    const ran = await verify(['--mfa-serial', SERIAL], ...typed);

    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toContain(`goldkey: ${says}`);
    expect(ran.stderr.split(PROMPT)).toHaveLength(4);
    expect(sts.requests).toHaveLength(calls);
  });

  it('takes a code after an answer that is none', async () => {
    const ran = await verify(['--mfa-serial', SERIAL], '12 34', current);

    expect(ran).toMatchObject({ code: 0, stderr: `${PROMPT}An MFA code has six digits.\n${PROMPT}` });
  });

  it('is wrong usage, told with what to do, where nobody can be asked', async () => {
    const ran = await verify(['--mfa-serial', SERIAL]);

    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr.split('\n', 1)).toEqual([
      `goldkey: AWS asks for an MFA code of ${SERIAL}: run the command on a terminal, or open a session with the AWS CLI first.`,
    ]);
    expect(sts.requests).toEqual([]);
  });

  it('asks once where AWS STS fails, and quotes nothing that it said', async () => {
    sts.fail(403, 'AccessDenied');
    const denied = await verify(['--mfa-serial', SERIAL], current);
    vi.stubEnv('AWS_ENDPOINT_URL_STS', 'http://127.0.0.1:9');
    const down = await verify(['--mfa-serial', SERIAL], current);

    expect(denied).toMatchObject({ code: 1, raw: [true, false] });
    expect(denied.stderr).toContain('AWS STS answered GetSessionToken with AccessDenied: check --mfa-serial');
    expect(down).toMatchObject({ code: 1, raw: [true, false] });
    expect(down.stderr).toContain('AWS STS could not be reached (ECONNREFUSED): check the network');
  });

  it('sends no signed request over plain http, unless that is allowed', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_STS', 'http://sts.example');

    const ran = await verify(['--mfa-serial', SERIAL], current);

    expect(ran).toMatchObject({ code: 1, raw: [] });
    expect(ran.stderr).toContain('AWS_ENDPOINT_URL_STS must be an https URL');
  });

  it('is not for credentials that are of a session already', async () => {
    vi.stubEnv('AWS_SESSION_TOKEN', SESSION_TOKEN);

    const ran = await verify(['--mfa-serial', SERIAL], current);

    expect(ran).toMatchObject({ code: 1, raw: [] });
    expect(ran.stderr).toContain('--mfa-serial takes the access key of an IAM user');
  });

  it.each(['123456', 'arn:aws:iam::111122223333:u2f/ada', 'arn:aws:iam::111122223333:user/ada'])(
    'must be the ARN of a device that shows codes, not %s',
    async (serial) => {
      const ran = await verify(['--mfa-serial', serial], current);

      expect(ran).toMatchObject({ code: 2, raw: [] });
      expect(ran.stderr).toContain('--mfa-serial must be the ARN of an MFA device');
      expect(ran.stderr).not.toContain(serial);
    },
  );
});

describe('a profile whose role takes an MFA code', () => {
  beforeEach(async () => {
    const { accessKeyId, secretAccessKey } = USER;
    const base = `[profile base]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
    await mkdir(join(folder.path, '.aws/cli/cache'), { recursive: true });
    await writeFile(join(folder.path, '.aws/config'), `${base}${ROLE}`);
  });

  /** Keeps a session as the AWS CLI does. */
  async function keep(name: string, expiration: string): Promise<void> {
    const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey } = SESSION;
    const Credentials = { AccessKeyId, SecretAccessKey, SessionToken: SESSION_TOKEN, Expiration: expiration };
    await writeFile(join(folder.path, '.aws/cli/cache', `${name}.json`), JSON.stringify({ Credentials }));
  }
  const inAnHour = (): string => new Date(clock.now() + 3_600_000).toISOString();

  it('asks for the next code where one is wrong', async () => {
    const ran = await verify(['--profile', 'ada'], '000000', next);

    expect(ran.code).toBe(0);
    expect(ran.stderr.split(AGAIN)).toEqual([PROMPT, PROMPT]);
    expect(sts.requests[1]).toMatchObject({ Action: 'AssumeRole', DurationSeconds: '3600' });
  });

  it.each([
    ['', CACHED],
    [MORE, CACHED_WITH_MORE],
  ])('takes the session that the AWS CLI keeps for it, and asks nothing: %j', async (more, name) => {
    await writeFile(join(folder.path, '.aws/credentials'), `[ada]\n${more}`);
    await keep(name, inAnHour());

    const ran = await verify(['--profile', 'ada'], current);

    expect(ran).toMatchObject({ code: 0, stderr: '', raw: [] });
    expect(sts.requests).toEqual([]);
  });

  it.each([
    ['has ended', CACHED, '2020-01-01T00:00:00+00:00'],
    ['is not dated', CACHED, 'soon'],
    ['is of another role', CACHED_OTHER, '2999-01-01T00:00:00+00:00'],
  ])('asks for a code where the session that is kept %s', async (_, name, expiration) => {
    await keep(name, expiration);

    const ran = await verify(['--profile', 'ada'], current);

    expect(ran).toMatchObject({ code: 0, stderr: PROMPT });
    expect(await readdir(join(folder.path, '.aws/cli/cache'))).toEqual([`${name}.json`]);
  });

  it('quotes nothing of a kept session that cannot be read', async () => {
    await writeFile(join(folder.path, '.aws/cli/cache', `${CACHED}.json`), `{"Credentials": ${SESSION_TOKEN}`);

    expect(await verify(['--profile', 'ada'], current)).toMatchObject({ code: 0, stderr: PROMPT });
  });

  it('is found behind a profile that builds on it', async () => {
    const outer = '[profile outer]\nrole_arn = arn:aws:iam::111122223333:role/outer\nsource_profile = ada\n';
    await writeFile(join(folder.path, '.aws/credentials'), outer.replace('profile ', ''));

    const ran = await verify(['--profile', 'outer'], '000000', current);

    expect(ran.stderr.split(AGAIN).slice(0, 2)).toEqual([PROMPT, expect.stringContaining(PROMPT)]);
    expect(sts.requests.map(({ RoleArn: role }) => role?.split('/')[1])).toEqual(['reader', 'reader', 'outer']);
  });
});
