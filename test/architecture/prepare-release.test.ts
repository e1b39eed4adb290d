import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { guides, readDocument } from '../examples/guides.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const HOME = 'https://code.example/ada/gold';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'goldkey-release-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Runs the script of the release workflow in the folder, as a workflow for the tag does. */
async function prepare(): Promise<string> {
  const context = {
    GITHUB_SERVER_URL: 'https://code.example',
    GITHUB_REPOSITORY: 'ada/gold',
    GITHUB_REF_NAME: 'v1.2.3',
  };
  const script = join(ROOT, '.ci', 'prepare-release.mjs');
  return promisify(execFile)(process.execPath, [script, folder], { env: context }).then(
    () => '',
    ({ stderr }: { stderr: string }) => stderr,
  );
}

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}

const SAMPLE = {
  'package.json': '{ "name": "sample", "version": "1.2.3" }',
  'README.md': [
    'See [the stores](examples/stores#vault), [security](.github/SECURITY.md) and [elsewhere](https://docs.example/a#b).',
    'Further down: [below](#below). ![A chart](.github/a.svg) `[code](not/a/link)`',
    '<picture><source srcset=".github/a.svg"><img src=".github/a.svg" alt=""></picture> <a href="examples/">more</a>',
    '```ts',
    'list[0](argument); // [code](not/a/link)',
    '```',
    '',
  ].join('\n'),
  'examples/README.md': '[back](../README.md#below), [stores](stores)\n',
  'examples/stores/README.md': '[program](vault.mjs)\n',
  'examples/stores/vault.mjs': '',
  '.github/SECURITY.md': '',
  '.github/a.svg': '',
};

describe('a release', () => {
  it('makes the links and pictures of README and guides absolute, at the tag', async () => {
    await write(SAMPLE);

    expect(await prepare()).toBe('');

    const raw = `${HOME}/raw/v1.2.3/.github/a.svg`;
    expect(await readFile(join(folder, 'README.md'), 'utf8')).toBe(
      [
        `See [the stores](${HOME}/tree/v1.2.3/examples/stores#vault), [security](${HOME}/blob/v1.2.3/.github/SECURITY.md) and [elsewhere](https://docs.example/a#b).`,
        `Further down: [below](#below). ![A chart](${raw}) \`[code](not/a/link)\``,
        `<picture><source srcset="${raw}"><img src="${raw}" alt=""></picture> <a href="${HOME}/tree/v1.2.3/examples">more</a>`,
        '```ts',
        'list[0](argument); // [code](not/a/link)',
        '```',
        '',
      ].join('\n'),
    );
    expect(await readFile(join(folder, 'examples/README.md'), 'utf8')).toBe(
      `[back](${HOME}/blob/v1.2.3/README.md#below), [stores](${HOME}/tree/v1.2.3/examples/stores)\n`,
    );
    expect(await readFile(join(folder, 'examples/stores/README.md'), 'utf8')).toBe(
      `[program](${HOME}/blob/v1.2.3/examples/stores/vault.mjs)\n`,
    );
  });

  it('says in package.json where the sources are, which provenance is checked against', async () => {
    await write(SAMPLE);

    await prepare();

    expect(JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))).toEqual({
      name: 'sample',
      version: '1.2.3',
      repository: { type: 'git', url: `git+${HOME}.git` },
      bugs: `${HOME}/issues`,
      homepage: `${HOME}#readme`,
    });
  });

  it('stops at a link that leads nowhere', async () => {
    await write({ ...SAMPLE, 'README.md': 'See [nothing](examples/none).\n' });

    expect(await prepare()).toContain('README.md links to examples/none, which does not exist.');
  });

  it('leaves no relative link in the documents of this package', async () => {
    for (const name of ['README.md', 'LICENSE', 'package.json', 'examples', '.github', 'test/bench/RESULTS.md']) {
      await cp(join(ROOT, name), join(folder, name), { recursive: true });
    }

    expect(await prepare()).toBe('');

    for (const path of ['README.md', ...guides]) {
      const text = (await readFile(join(folder, path), 'utf8')).replaceAll(/^```.*?^```/gms, '');
      const links = [...text.matchAll(/\]\(([^)\s]+)\)|\b(?:src|srcset|href)="([^"]+)"/g)];
      const relative = links
        .map(([, link, address]) => link ?? address ?? '')
        .filter((link) => !/^(?:https?:|#)/.test(link));
      expect(relative, path).toEqual([]);
      expect(text.length).toBeGreaterThanOrEqual(readDocument(path).replaceAll(/^```.*?^```/gms, '').length);
    }
  });
});
