import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run, temporaryFolder } from '../run.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
  await writeFile(join(folder.path, 'goldkey.bash'), (await run(['completion', 'bash'])).stdout);
});
afterAll(() => folder[Symbol.asyncDispose]());

/** Completes a line as bash does when Tab is pressed at its end. */
function complete(line: string): string[] {
  const words = line.split(' ');
  const script = `. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _goldkey; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const shown = execFileSync('bash', ['-c', script, join(folder.path, 'goldkey.bash'), ...words], { cwd: folder.path });
  return shown.toString().split('\n').filter(Boolean);
}

describe('the completion of bash', () => {
  it.each([
    ['goldkey enc', ['encrypt']],
    ['goldkey rotate sta', ['stage', 'status']],
    ['goldkey rotate stage --ri', ['--ring']],
    ['goldkey rotate stage --ring gold.ring.json --encryption-c', ['--encryption-context']],
    ['goldkey price XAU --api meta', ['metals-api', 'metalpriceapi', 'metals-dev']],
    ['goldkey verify --ciphertext-file gold', ['goldkey.bash']],
    ['goldkey audit v', ['verify']],
  ])('%j', (line, expected) => {
    expect(complete(line)).toEqual(expected);
  });

  it('offers every command and no hidden one', () => {
    const offered = complete('goldkey ');

    expect(offered).toEqual(expect.arrayContaining(['create-key', 'put', 'rotate', 'completion', '--version']));
    expect(offered).not.toContain('man-page');
  });
});

describe('completion', () => {
  it.each(['zsh', 'fish'])('prints a script for %s with the commands, options and price APIs', async (shell) => {
    const { code, stdout, stderr } = await run(['completion', shell]);

    expect([code, stderr]).toEqual([0, '']);
    for (const word of ['encrypt', 'stage', 'ring', 'goldapi']) expect(stdout).toContain(word);
    expect(stdout).not.toContain('man-page');
  });

  it('of another shell is wrong usage', async () => {
    expect(await run(['completion', 'tcsh'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: 'goldkey: Choose a shell: bash, zsh, fish.\n',
    });
  });
});

describe('the manual page', () => {
  it('has the commands, their options, the variables and the exit codes', async () => {
    const { code, stdout } = await run(['man-page']);

    expect(code).toBe(0);
    expect(stdout).toMatch(/^\.TH GOLDKEY 1 /);
    for (const part of [
      '.SS goldkey rotate stage',
      '\\-\\-encryption\\-context',
      'GOLD_API_KEY_CIPHERTEXT',
      '.SH EXIT STATUS',
    ]) {
      expect(stdout).toContain(part);
    }
    // A line that begins with a point is a request to troff.
    for (const [line] of stdout.matchAll(/^[.'].*$/gm)) expect(line).toMatch(/^\.(?:TH|SH|SS|B|I|TP|PP|nf|fi)\b/);
  });
});
