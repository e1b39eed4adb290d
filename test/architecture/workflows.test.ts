import { spawnSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = join(ROOT, '.github', 'workflows');

const workflows = readdirSync(FOLDER).map((name) => ({ name, text: readFileSync(join(FOLDER, name), 'utf8') }));

/** The rights to write that each job has. */
const WRITES: Readonly<Record<string, readonly string[]>> = {
  'codeql.yml analyze': ['security-events'],
  'reference.yml deploy': ['id-token', 'pages'],
  'release.yml attest': ['attestations', 'id-token'],
  'release.yml github-release': ['contents'],
  'release.yml publish': ['id-token'],
  'scorecard.yml analysis': ['id-token', 'security-events'],
};

/** The jobs of a workflow: the text below each name. */
function jobsOf(text: string): { name: string; body: string }[] {
  const [, jobs = ''] = text.split(/^jobs:\n/m);
  return jobs
    .split(/^ {2}(?=[\w-]+:$)/m)
    .slice(1)
    .map((job) => ({ name: job.slice(0, job.indexOf(':')), body: job }));
}

const lines = (pattern: RegExp): string[] =>
  workflows.flatMap(({ name, text }) => [...text.matchAll(pattern)].map(([line]) => `${name}: ${line.trim()}`));

describe.each(workflows)('the workflow $name', ({ name, text }) => {
  it('takes every action at a commit, whose version stands beside it', () => {
    const uses = [...text.matchAll(/\buses: (.+)$/gm)].map(([, action]) => action ?? '');

    expect(uses.length).toBeGreaterThan(0);
    expect(uses.filter((action) => !/^[\w-]+(?:\/[\w-]+)+@[\da-f]{40} # v\d+\.\d+\.\d+$/.test(action))).toEqual([]);
  });

  it('has no rights but those that its jobs ask for, and few write', () => {
    const writes = jobsOf(text).map(({ name: job, body }) => [
      `${name} ${job}`,
      [...body.matchAll(/^ {6}([\w-]+): write$/gm)].map(([, right]) => right).toSorted(),
    ]);

    expect(text).toMatch(/^permissions: \{\}$/m);
    expect(writes.length).toBeGreaterThan(0);
    expect(writes).toEqual(writes.map(([job]) => [job, WRITES[String(job)] ?? []]));
    expect(jobsOf(text).filter(({ body }) => !/^ {4}permissions:$/m.test(body))).toEqual([]);
    expect(jobsOf(text).filter(({ body }) => !/^ {4}timeout-minutes: \d+$/m.test(body))).toEqual([]);
  });

  it('leaves no token in a checkout, and puts no text of others into a script', () => {
    const checkouts = text.split(/uses: actions\/checkout@/).slice(1);
    const scripts = [...text.matchAll(/^( *)(?:- )?run: ?(.*(?:\n\1 {2}.*)*)/gm)].map(([, , script]) => script ?? '');

    for (const checkout of checkouts) expect(checkout).toMatch(/^.*\n +with:\n +persist-credentials: false\n/);
    expect(scripts.filter((script) => /\$\{\{(?! matrix\.)/.test(script))).toEqual([]);
  });

  it('runs scripts that there are', () => {
    const inMatrix = /^ +script:\n((?: +- .+\n)+)/m.exec(text)?.[1] ?? '';
    const found = [...text.matchAll(/\bnpm run (?:-s )?([\w:]+)/g), ...inMatrix.matchAll(/^ +- ([\w:]+)/gm)];
    const scripts = found.map(([, script]) => script ?? '');
    const files = [...text.matchAll(/\b(?:node|bash) \.ci\/([\w.-]+)/g)].map(([, file]) => file ?? '');

    expect(scripts.filter((script) => !(script in manifest.scripts))).toEqual([]);
    expect(files.filter((file) => !readdirSync(join(ROOT, '.ci')).includes(file))).toEqual([]);
  });
});

describe('the workflows', () => {
  it('take an action at one version everywhere', () => {
    const found = new Set(lines(/\buses: .+$/gm).map((line) => line.replace(/^.*uses: /, '')));
    const versions = new Map([...found].map((action) => [action.replace(/^([\w-]+\/[\w-]+).*$/, '$1'), action]));

    for (const action of found) {
      const [, name = '', version] = /^([\w-]+\/[\w-]+)[^@]*(@.+)$/.exec(action) ?? [];
      expect(versions.get(name)?.endsWith(version ?? '-'), action).toBe(true);
    }
  });

  it('check the signatures of all packages before a release and every night', () => {
    expect(lines(/\bnpm audit signatures$/gm).map((line) => line.replace(/:.*$/, ''))).toEqual([
      'nightly.yml',
      'release.yml',
    ]);
  });
});

describe('a release', () => {
  const release = jobsOf(workflows.find(({ name }) => name === 'release.yml')?.text ?? '');
  const body = (name: string): string => release.find((job) => job.name === name)?.body ?? '';

  it('publishes the tarball that was tested, in a job that runs nothing of this repository', () => {
    expect(body('pack-and-test')).toMatch(/GOLDKEY_TARBALL=\$\(ls "\$RUNNER_TEMP"\/release\/\*\.tgz\) bash \.ci\/run/);
    expect(body('publish')).toContain('npm publish --provenance --access public ./release/*.tgz');
    for (const name of ['publish', 'attest', 'github-release'])
      expect(body(name)).not.toMatch(/checkout|npm ci|\.ci\//);
  });

  it.each([
    { has: 'not the version', integrity: '', outcome: 'publishes', calls: ['view', 'publish'] },
    {
      has: 'that tarball',
      integrity: `sha512-${hash('sha512', 'tarball', 'base64')}`,
      outcome: 'passes',
      calls: ['view'],
    },
    { has: 'another tarball', integrity: 'sha512-AAAA', outcome: 'fails', calls: ['view'] },
  ])('$outcome where npm has $has', async ({ integrity, outcome, calls }) => {
    const folder = await mkdtemp(join(tmpdir(), 'goldkey-publish-'));
    const script = / run: \|\n((?: {10}.*\n)+)/.exec(body('publish'))?.[1] ?? '';
    await mkdir(join(folder, 'release'));
    await writeFile(join(folder, 'release', 'goldkey-1.2.3.tgz'), 'tarball');
    const npm = '#!/bin/sh\necho "$@" >> calls\n[ "$1" = publish ] || [ -n "$INTEGRITY" ] && echo "$INTEGRITY"\n';
    await writeFile(join(folder, 'npm'), npm, { mode: 0o755 });

    const { status } = spawnSync('bash', ['-e', '-c', script], {
      cwd: folder,
      env: { PATH: `${folder}:${process.env['PATH'] ?? ''}`, GITHUB_REF_NAME: 'v1.2.3', INTEGRITY: integrity },
    });
    const called = await readFile(join(folder, 'calls'), 'utf8');
    await rm(folder, { recursive: true });

    expect(status).toBe(outcome === 'fails' ? 1 : 0);
    expect(called.trim().split('\n')).toEqual(
      calls.map((verb) =>
        verb === 'view'
          ? 'view goldkey@1.2.3 dist.integrity'
          : 'publish --provenance --access public ./release/goldkey-1.2.3.tgz',
      ),
    );
  });

  it('is on GitHub once it is on npm, with notes, tarball and bill of materials', () => {
    expect(body('github-release')).toContain('needs: [publish, attest]');
    expect(body('github-release')).toMatch(
      /gh release create .* --notes-file files\/notes\.md .*\n +files\/\*\.tgz files\/\*\.cdx\.json /,
    );
    expect(manifest.publishConfig).toEqual({ access: 'public', provenance: true });
  });
});
