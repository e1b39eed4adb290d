import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../../.ci/release-notes.mjs', import.meta.url));
const HOME = 'https://code.example/ada/gold';
const run = promisify(execFile);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'goldkey-notes-'));
  await git('init', '--quiet', '--initial-branch=main');
});
afterEach(() => rm(folder, { recursive: true }));

/** Runs git in the scratch repository, whatever the settings of the user. */
async function git(...args: string[]): Promise<string> {
  const name = { GIT_AUTHOR_NAME: 'Ada', GIT_AUTHOR_EMAIL: 'ada@code.example' };
  const committer = { GIT_COMMITTER_NAME: 'Ada', GIT_COMMITTER_EMAIL: 'ada@code.example' };
  const settings = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
  const env = { PATH: process.env['PATH'], ...settings, ...name, ...committer };
  return (await run('git', args, { cwd: folder, env })).stdout.trim();
}

async function commit(...paragraphs: readonly string[]): Promise<void> {
  await git('commit', '--quiet', '--allow-empty', ...paragraphs.flatMap((text) => ['-m', text]));
}

/** Takes a commit back in the words of `git revert`, which refuses one that changes no file. */
async function revert(commitish = 'HEAD', word = 'Revert'): Promise<void> {
  const [hash = '', subject = ''] = (await git('log', '-1', '--format=%H%n%s', commitish)).split('\n');
  const quoted = word === 'Revert' ? `"${subject}"` : subject.replace(/^Revert /, '');
  await commit(`${word} ${quoted}`, `This reverts commit ${hash}.`);
}

/** Runs the script of the release workflow for the tag; hashes read `HASH`. */
async function notesOf(tag: string | undefined, context: object = {}, root = folder): Promise<string> {
  const env = { PATH: process.env['PATH'], ...(tag === undefined ? {} : { GITHUB_REF_NAME: tag }), ...context };
  const { stdout } = await run(process.execPath, [SCRIPT, root], { env });
  return stdout.replaceAll(/\b[\da-f]{7,40}\b/g, 'HASH');
}

describe('the notes of a release', () => {
  it('group the commits since the tag before, those that break something first, and count what nobody notices', async () => {
    await commit('feat: an older feature');
    await git('tag', 'v1.0.0');
    await commit('feat(kms): read a key by its alias', 'Because names are easier to keep.');
    await commit('fix(pool)!: `max` is required');
    await commit(
      'feat: count calls',
      'Why.',
      'BREAKING CHANGE: `status().calls` is a number\nand no object.\nRefs: #4',
    );
    await commit('perf(core): half the work of a warm call');
    await commit('fix: zero the copy as well');
    await commit('test(core): hold the order of loads');
    await commit('docs: say it shorter');
    await commit('Update the licence');
    await git('tag', 'v1.1.0');
    await commit('feat: a later feature');

    const context = { GITHUB_SERVER_URL: 'https://code.example', GITHUB_REPOSITORY: 'ada/gold' };
    const hash = `([HASH](${HOME}/commit/HASH))`;

    expect(await notesOf('v1.1.0', context)).toBe(
      [
        '## Breaking changes\n',
        `- count calls ${hash}\n  \`status().calls\` is a number and no object.`,
        `- **pool:** \`max\` is required ${hash}\n`,
        '## Features\n',
        `- **kms:** read a key by its alias ${hash}\n`,
        '## Fixes\n',
        `- zero the copy as well ${hash}\n`,
        '## Performance\n',
        `- **core:** half the work of a warm call ${hash}\n`,
        '## Other changes\n',
        `- Update the licence ${hash}\n`,
        `2 more of tests, documentation and tools. [All changes](${HOME}/compare/v1.0.0...v1.1.0)`,
        '',
      ].join('\n'),
    );
  });

  it('of the first release are its features', async () => {
    await commit('feat(kms): read a key');
    await commit('fix(kms): read it whole');
    await git('tag', 'v0.1.0');

    expect(await notesOf('v0.1.0')).toBe('The first release.\n\n## Features\n\n- **kms:** read a key (HASH)\n');
  });

  it('of what is not tagged yet reach to the newest commit, and leave out merges and other tags', async () => {
    await commit('feat: one');
    await git('tag', 'v1.0.0');
    await git('checkout', '--quiet', '-b', 'side');
    await commit('fix: two');
    await git('checkout', '--quiet', 'main');
    await commit('feat: three');
    await git('tag', 'nightly');
    await git('merge', '--quiet', '--no-ff', '-m', "Merge branch 'side'", 'side');

    expect(await notesOf(undefined)).toBe('## Features\n\n- three (HASH)\n\n## Fixes\n\n- two (HASH)\n');
  });

  it('mention nobody', async () => {
    await commit('feat: one');
    await git('tag', 'v1.0.0');
    await commit('feat: give each subpath its @module, as `@ada` and a@b.example have');

    expect(await notesOf(undefined)).toBe(
      '## Features\n\n- give each subpath its `@module`, as `@ada` and a@b.example have (HASH)\n',
    );
  });

  it('of a release begin at the last one that was no prerelease, those of a prerelease at the last of any kind', async () => {
    await commit('feat: one');
    await git('tag', 'v1.0.0');
    await commit('feat: two');
    await git('tag', 'v1.1.0-rc.1');
    await git('tag', 'v1');
    await commit('feat: three');
    await git('tag', 'v1.1.0-rc.2');
    await git('tag', 'v1.1.0');

    expect(await notesOf('v1.1.0-rc.2')).toBe('## Features\n\n- three (HASH)\n');
    expect(await notesOf('v1.1.0')).toBe('## Features\n\n- three (HASH)\n- two (HASH)\n');
    expect(await notesOf(undefined)).toBe('## Features\n\n- three (HASH)\n- two (HASH)\n');
  });

  it('are not made where the history or the tag is missing, and say how to fetch them', async () => {
    await commit('feat: one');
    await git('tag', 'v1.0.0');
    await commit('feat: two');
    await git('tag', 'v1.1.0');
    const shallow = join(folder, 'shallow');
    await git('clone', '--quiet', '--depth', '1', '--branch', 'v1.1.0', `file://${folder}`, shallow);
    const how =
      'fetch the history and the tags (`git fetch --unshallow --tags`, or actions/checkout with `fetch-depth: 0`).';

    const failed = { code: 1, stdout: '' };
    const unknown = `${folder} has no v2.0.0: ${how}\n`;
    const cut = `${shallow} has not the whole history: ${how}\n`;
    await expect(notesOf('v1.1.0', {}, shallow)).rejects.toMatchObject({ ...failed, stderr: cut });
    await expect(notesOf('v2.0.0')).rejects.toMatchObject({ ...failed, stderr: unknown });
  });

  it('show a subject as it is, whatever Markdown, HTML or control characters are in it', async () => {
    await commit('feat: one');
    await git('tag', 'v1.0.0');
    await commit('fix: 1. of <!-- \u001B[31m`a` \u202Ered\u0001 [x](y) __b__ &lt; ``c`d`` `e');
    await commit('fix(a*b): # of calls', 'Why.', 'BREAKING CHANGE: - <details> of `Map<K, V>`');

    expect(await notesOf(undefined)).toBe(
      [
        '## Breaking changes\n',
        '- **a\\*b:** \\# of calls (HASH)\n  \\- \\<details> of `Map<K, V>`\n',
        '## Fixes\n',
        '- 1\\. of \\<!-- \\[31m`a` red \\[x\\](y) \\_\\_b\\_\\_ \\&lt; ``c`d`` \\`e (HASH)\n',
      ].join('\n'),
    );
  });

  it('leave out what was taken back before the release, and tell in plain words what an earlier one had', async () => {
    await commit('feat(kms): read a key by its alias');
    await commit('test: read it twice');
    await git('tag', 'v1.0.0');
    await commit('fix: zero the copy (#7)');
    await commit('Revert "fix: zero the copy (#7)" (#8)', 'Reverts ada/gold#7.');
    await commit('feat: count calls');
    await revert();
    await commit('perf: half the work');
    await revert();
    await revert();
    await revert('v1.0.0~1');
    await revert('v1.0.0');

    expect(await notesOf(undefined)).toBe(
      [
        '## Performance\n',
        '- half the work (HASH)\n',
        '## Taken back\n',
        '- **kms:** read a key by its alias (HASH)\n',
        '1 more of tests, documentation and tools.\n',
      ].join('\n'),
    );
  });

  it('tell in plain words what is back again', async () => {
    await commit('feat: count calls');
    await revert();
    await commit('fix: read it whole');
    await revert();
    await git('tag', 'v1.0.0');
    await revert();
    await revert('HEAD~3', 'Reapply');

    expect(await notesOf(undefined)).toBe(
      '## Features\n\n- count calls (HASH)\n\n## Fixes\n\n- read it whole (HASH)\n',
    );
  });
});
