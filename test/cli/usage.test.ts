import { describe, expect, it } from 'vitest';
import { run } from './run.js';

const SECRET = 'sk-typed-by-mistake-0123';
const CIPHERTEXT = 'QUJD'.repeat(30);

describe('the command line, used wrongly', () => {
  const cases: [string[], RegExp][] = [
    [['encrypt', '--no-such'], /There is no option --no-such/],
    [['encrypt', '--keyid', 'alias/x'], /Did you mean --key-id\?/],
    [['encrypt', `--key=${SECRET}`], /There is no option --key\./],
    [['encrypt', `-k${SECRET}`], /There is no option of that name/],
    [['encrypt', SECRET], /A key never comes from the command line/],
    [
      [SECRET],
      /There is no such command; there are create-key, encrypt, put, verify, price, copy, rotate, policy, doctor, audit, scan, demo, completion, help\. Run/,
    ],
    [['encrypt', '--key-id'], /--key-id needs a value/],
    [['encrypt', '--key-id', 'alias/x'], /--encryption-context is required/],
    [['encrypt', '--encryption-context', '{}'], /--key-id is required/],
    [['encrypt', '--encryption-context', SECRET], /--encryption-context is not name=value/],
    [['encrypt', '--encryption-context', `{"a":${SECRET}`], /--encryption-context is not valid JSON/],
    [['encrypt', '--encryption-context', '{"a":1}'], /`a` must be a string/],
    [['encrypt', '--encryption-context', 'a=1', '--encryption-context', 'a=2'], /gives `a` twice/],
    [['create-key'], /--alias is required/],
    [['create-key', '--alias', 'gold', '--region', 'us-east-1'], /--alias must be `alias\/`/],
    [['create-key', '--local'], /--master-key is required/],
    [
      ['create-key', '--local', '--master-key', 'x', '--alias', 'alias/x'],
      /--local and --alias cannot be used together/,
    ],
    [['create-key', '--master-key', 'x'], /--master-key needs --local/],
    [['create-key', '--local', '--master-key', 'x', '--region', 'y'], /--local and --region cannot be used together/],
    [['verify', '--encryption-context', '{}'], /--ciphertext-file is required/],
    [
      ['verify', '--encryption-context', '{}', '--ciphertext', 'a', '--ciphertext-file', 'b'],
      /--ciphertext and --ciphertext-file cannot be used together/,
    ],
    [['price', '--api', SECRET], /--api has a wrong value: choose metals-api/],
    [
      ['price', '--encryption-context', '{}', '--ciphertext', CIPHERTEXT, '--api-url', `http://example.com/${SECRET}`],
      /--api-url must be an `https:` address/,
    ],
    [
      ['verify', '--encryption-context', '{}', '--ciphertext', CIPHERTEXT, '--endpoint-url', 'http://example.com'],
      /--endpoint-url must be/,
    ],
    [['price', 'XAU', SECRET], /A symbol is of capital letters/],
    [['verify', SECRET], /Too many arguments/],
  ];

  it.each(cases)('%j exits with 2 and one line that repeats nothing secret', async (argv, message) => {
    const ran = await run(argv, { typed: [] });

    expect(ran.stderr).toMatch(message);
    expect(ran.stderr).toMatch(/^goldkey: [^\n]+\n$/);
    expect(ran).toMatchObject({ code: 2, stdout: '', raw: [] });
    expect(ran.stderr).not.toContain(SECRET);
  });

  it('without a command prints the help to stderr and exits with 2', async () => {
    const ran = await run([]);
    expect(ran).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('Usage: goldkey') });
  });
});

describe('help and version', () => {
  it.each([['--help'], ['help'], ['encrypt', '--help']])('%j go to stdout and exit with 0', async (...argv) => {
    const ran = await run(argv);
    expect(ran).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('Usage: goldkey') });
  });

  it('the version is the package’s', async () => {
    expect(await run(['--version'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });
});

describe('colour', () => {
  const red = '\u001B[31m';

  it.each([
    ['on a terminal', true, {}, true],
    ['in a pipe', false, {}, false],
    ['with NO_COLOR', true, { NO_COLOR: '1' }, false],
    ['with an empty NO_COLOR, which counts as unset', true, { NO_COLOR: '' }, true],
    ['on a dumb terminal', true, { TERM: 'dumb' }, false],
  ])('%s', async (_, tty, env, coloured) => {
    const ran = await run(['create-key'], { tty, env });
    expect(ran.stderr.includes(red)).toBe(coloured);
  });
});
