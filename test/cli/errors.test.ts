import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startFakeKms, startFakePriceApi, type FakeKms } from '../../src/testing/index.js';
import { formsOf, run, temporaryFolder, type Ran } from './run.js';

const KEY = 'sk"test/+&=0123456';
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let local: string[];
let kms: FakeKms;

beforeEach(async () => {
  folder = await temporaryFolder();
  local = ['--local', '--master-key', join(folder.path, 'master.key'), '--encryption-context', 'service=gold'];
  await goldkey(['create-key', ...local.slice(0, 3)]);
  kms = await startFakeKms();
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE']) vi.stubEnv(name, undefined);
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  vi.stubEnv('HOME', folder.path);
  vi.stubEnv('AWS_CONFIG_FILE', join(folder.path, 'config'));
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder.path, 'credentials'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await kms.close();
  await folder[Symbol.asyncDispose]();
});

async function goldkey(argv: readonly string[], options: Parameters<typeof run>[1] = {}): Promise<Ran> {
  const ran = await run(argv, options);
  for (const form of formsOf(KEY)) expect(ran.stdout + ran.stderr).not.toContain(form);
  return ran;
}

const verifyAtKms = (...more: string[]): Promise<Ran> =>
  goldkey([
    ...['verify', '--encryption-context', '{}', '--ciphertext', kms.encrypt(KEY, {})],
    ...['--endpoint-url', kms.url, '--region', kms.region, ...more],
  ]);

describe('an error under --json', () => {
  it.each<[string, string[], number, string]>([
    ['wrong usage', ['encrypt'], 2, 'ERR_INVALID_ARG_VALUE'],
    ['an unknown option', ['encrypt', '--nope'], 2, 'ERR_INVALID_ARG_VALUE'],
    ['a file that is not there', ['verify', '--store', 'file:///no/such/file'], 1, 'ERR_GOLDKEY_NOT_FOUND'],
    ['an empty key', ['put', '--store', 'file:///no/such/file'], 2, 'ERR_INVALID_ARG_VALUE'],
  ])('is one line of JSON on stderr: %s', async (_, argv, code, name) => {
    const ran = await goldkey([...argv, '--json']);

    expect(ran).toMatchObject({ code, stdout: '' });
    expect(ran.stderr).toMatch(/^[^\n]+\n$/);
    const { error } = JSON.parse(ran.stderr) as { error: Record<string, string> };
    expect(Object.keys(error)).toEqual(['code', 'message', 'advice']);
    expect(error['code']).toBe(name);
    for (const text of [error['message'], error['advice']]) expect(text).toMatch(/^\S.*\S$/);
  });

  it('has its causes with --verbose', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'invented');
    const ran = await verifyAtKms('--json', '--verbose', '--encryption-context', 'a=b');
    const { error } = JSON.parse(ran.stderr) as { error: { code: string; causes: string[] } };

    expect(ran.code).toBe(1);
    expect(error.causes).toEqual([expect.stringContaining('InvalidCiphertextException')]);
  });
});

describe('the advice after a refused key', () => {
  it.each([
    ['a ciphertext', 'npx goldkey encrypt'],
    ['a store', 'npx goldkey put'],
    ['a ring', 'npx goldkey rotate stage'],
  ])('names the command that replaces it: of %s, `%s`', async (kind, command) => {
    await using api = await startFakePriceApi({ keys: ['another-key-0001'] });
    const file = join(folder.path, 'api.key');
    const ring = ['--ring', join(folder.path, 'gold.ring.json'), ...local];
    const ways: Record<string, () => Promise<string[]>> = {
      'a ciphertext': async () => [
        ...local,
        '--ciphertext',
        (await goldkey(['encrypt', ...local], { piped: KEY })).stdout,
      ],
      async 'a store'() {
        await writeFile(file, KEY, { mode: 0o600 });
        return ['--store', `file://${file}`];
      },
      async 'a ring'() {
        await goldkey(['rotate', 'init', ...ring], { piped: KEY });
        return ring;
      },
    };

    const ran = await goldkey(['price', '--api-url', api.url, ...((await ways[kind]?.()) ?? [])]);

    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toContain(`store it with \`${command}\`.`);
  });
});

describe('missing credentials of AWS', () => {
  it('of a profile that no file has are told from none at all', async () => {
    await writeFile(join(folder.path, 'config'), '[profile staging]\nregion = us-east-1\n[default]\n');
    vi.stubEnv('AWS_PROFILE', 'prod');
    const byVariable = await verifyAtKms();
    const byOption = await verifyAtKms('--profile', 'stagin');
    vi.stubEnv('AWS_PROFILE', undefined);
    const none = await verifyAtKms();

    expect([byVariable.code, byOption.code, none.code]).toEqual([2, 2, 1]);
    expect(byVariable.stderr).toContain('The AWS configuration has no profile of the name in AWS_PROFILE');
    expect(byOption.stderr).toContain(
      'no profile of the name in --profile; list them by `aws configure list-profiles`',
    );
    expect(none.stderr).toContain('there are no AWS credentials to sign with');
  });

  it.each([
    ['sso', '[profile p]\nsso_session = s\nsso_account_id = 111122223333\nsso_role_name = r\nregion = us-east-1'],
    ['legacy', '[profile p]\nsso_start_url = https://example.com/start\nsso_region = us-east-1'],
  ])('of a sign-in that has expired name the command that renews it: %s', async (kind, text) => {
    const more =
      kind === 'sso'
        ? '[sso-session s]\nsso_region = us-east-1\nsso_start_url = https://example.com/start'
        : 'sso_account_id = 111122223333\nsso_role_name = r';
    await writeFile(join(folder.path, 'config'), `${text}\n${more}\n`);

    const ran = await verifyAtKms('--profile', 'p');

    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toContain('run `aws sso login` for it');
    expect(ran.stderr).not.toContain('--endpoint-url');
  });

  it('of a profile with MFA name what is to be done without a terminal', async () => {
    const role = '[profile p]\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = base';
    const base = '[profile base]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = invented';
    await writeFile(join(folder.path, 'config'), `${role}\nmfa_serial = arn:aws:iam::111122223333:mfa/ada\n${base}\n`);

    const ran = await verifyAtKms('--profile', 'p');

    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain(
      'asks for an MFA code of arn:aws:iam::111122223333:mfa/ada: run the command on a terminal',
    );
  });
});

describe('an error in the words of the command line', () => {
  it('names --ring where there is no ring, or no Redis', async () => {
    const nothing = await goldkey(['rotate', 'status', '--ring', join(folder.path, 'none.json')]);
    const down = await goldkey(['rotate', 'status', '--ring', 'redis://127.0.0.1:9/gold']);

    expect(nothing.stderr).toContain('check --ring and --name, or make one with `npx goldkey rotate init`.');
    expect(down.stderr).toContain('--ring');
    expect(down.stderr).not.toContain('`');
  });
});

describe('a misspelt command or option', () => {
  it.each([
    [['encrpyt'], 'There is no such command. Did you mean encrypt?'],
    [['rotate', 'stag'], 'There is no such command. Did you mean stage?'],
    [['verify', '--rng', 'x'], 'There is no option --rng. Did you mean --ring?'],
  ])('%j is told which one was meant', async (argv, says) => {
    const ran = await goldkey(argv);

    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain(says);
  });
});

describe('help', () => {
  it.each([['help rotate stage'], ['rotate stage --help'], ['help rotate'], ['put --help'], ['completion --help']])(
    '`goldkey %s` has groups, an example and goes to stdout',
    async (line) => {
      const ran = await goldkey(line.split(' '));

      expect(ran).toMatchObject({ code: 0, stderr: '' });
      expect(ran.stdout).toMatch(/\nExamples:\n {2}goldkey [^\n]+\n/);
      if (line !== 'help rotate' && line !== 'completion --help') {
        expect(ran.stdout).toMatch(/\nMaster key:\n[\s\S]+\nKey store:|\nKey store:\n[\s\S]+\nMaster key:\n/);
        expect(ran.stdout).toMatch(/\nEnvironment:\n[\s\S]+HTTPS_PROXY/);
      }
    },
  );

  it('has an example for every command', async () => {
    const { stdout } = await goldkey(['--help']);
    const commands = [...stdout.matchAll(/^ {2}([a-z-]+)(?: \[options\])?(?: <| \[| {2})/gm)].map(([, name]) => name);

    expect(commands).toEqual(expect.arrayContaining(['create-key', 'encrypt', 'put', 'verify', 'price', 'rotate']));
    for (const command of commands.filter((name) => name !== 'help')) {
      expect((await goldkey([String(command), '--help'])).stdout, command).toContain('\nExamples:\n');
    }
  });

  it('of `rotate` shows the commands of a whole rotation, in their order', async () => {
    await using api = await startFakePriceApi({ keys: ['sk-the-first-0001', 'sk-the-second-0002'] });
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'invented');
    const keys = ['sk-the-first-0001', 'sk-the-second-0002'];
    const { stdout } = await goldkey(['rotate', '--help']);
    const examples = [...stdout.matchAll(/^ {2}goldkey (rotate .+)$/gm)].map(([, line]) => String(line).split(' '));
    const ran: (readonly [string | undefined, number, string])[] = [];

    for (const [, step, ...words] of examples) {
      const more = [
        ...(words.includes('--key-id') ? ['--endpoint-url', kms.url, '--region', kms.region] : []),
        ...(words.includes('--api') ? ['--api-url', api.url] : []),
        // Its overlap is over when the key is retired.
        ...(step === 'promote' ? ['--overlap', '1ms'] : []),
      ];
      const argv = words.map((word) => word.replace('gold.ring.json', join(folder.path, 'gold.ring.json')));
      const takesKey = step === 'init' || step === 'stage';
      const { code, stderr } = await run(['rotate', String(step), ...argv, ...more], {
        ...(takesKey && { piped: String(keys.shift()) }),
      });
      ran.push([step, code, code === 0 ? '' : stderr]);
    }

    expect(ran).toEqual(['init', 'stage', 'canary', 'promote', 'retire', 'status'].map((step) => [step, 0, '']));
  });

  it.each([
    ['encrypt', 'vault-transit://'],
    ['rotate stage', 'vault-transit://'],
    ['put', 'secrets-manager://'],
    ['verify', 'secrets-manager://'],
  ])('of `%s` names stores that --store takes there', async (line, scheme) => {
    const { stdout } = await goldkey([...line.split(' '), '--help']);

    expect(/--store <url>[^]*?(?=\n {2}--)/.exec(`${stdout}\n  --`)?.[0]).toContain(scheme);
  });

  it.each(['-v', '--version'])('the version comes by %s', async (flag) => {
    expect(await goldkey([flag])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });
});
