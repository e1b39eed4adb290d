import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { documents, guides, linksIn, linkTarget, programs, readDocument, resolves, snippetsIn } from './guides.js';
import { run } from '../cli/run.js';
import { ROOT } from './start-example.js';

const README = readDocument('README.md');

describe('the README', () => {
  it('can be read in one sitting: at most 15,360 bytes', () => {
    expect(Buffer.byteLength(README)).toBeLessThanOrEqual(15_360);
  });

  it('opens with a program of at most twenty lines, which is examples/quick-start.mjs', () => {
    const [first = ''] = snippetsIn(README, 'ts');

    expect(first.trimEnd().split('\n').length).toBeLessThanOrEqual(20);
    expect(first).toBe(readDocument('examples/quick-start.mjs'));
  });

  it('has the two commands that are complete on a bare machine', () => {
    expect(README).toMatch(/^npm ci && npm start /m);
    expect(README).toMatch(/^npm ci && npm test /m);
  });

  it('shows results, not verdicts', () => {
    expect(README).not.toMatch(/MISSED|\bmet\b|[≤≥]/);
  });
});

describe('a link', () => {
  it.each(documents)('of %s leads to a place in the repository', (path) => {
    expect(linksIn(path).filter((link) => !resolves(path, link))).toEqual([]);
  });

  it('of a guide leads to what is in the tarball: the README and other guides', () => {
    // Pictures stay in the repository: in the tarball their text says the same.
    const elsewhere = guides.flatMap((path) =>
      linksIn(path)
        .map((link) => linkTarget(path, link).path)
        .filter((target) => target !== 'README.md' && !target.startsWith('examples') && !target.endsWith('.svg')),
    );

    expect(elsewhere).toEqual([]);
  });

  it('that leads nowhere is found', () => {
    const dead = ['examples/none', '#no-such-heading', 'examples/stores#no-such-store', 'LICENCE'];

    expect(dead.filter((link) => resolves('README.md', link))).toEqual([]);
    expect(resolves('README.md', 'examples/stores#vault')).toBe(true);
  });
});

describe('a guide', () => {
  const folders = readdirSync(join(ROOT, 'examples'), { withFileTypes: true }).filter((entry) => entry.isDirectory());

  it('stands in every folder, and the index names each', () => {
    const index = linksIn('examples/README.md').map((link) => linkTarget('examples/README.md', link).path);

    expect(folders.map(({ name }) => `examples/${name}/README.md`).toSorted()).toEqual(
      guides.filter((path) => path !== 'examples/README.md'),
    );
    expect(guides.filter((path) => path !== 'examples/README.md' && !index.includes(path))).toEqual([]);
  });

  it('names every program beside it', () => {
    const named = new Set(guides.flatMap((path) => linksIn(path).map((link) => linkTarget(path, link).path)));

    expect(programs.filter((path) => !named.has(path))).toEqual([]);
  });

  it('has no program that no test runs', () => {
    const tests = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => readDocument(join('test', name)))
      .join('\n');
    // Tests run by folder, a module of theirs, and what the README's first program is compared with.
    const indirectly = /\.test\.mjs$|\/(?:price-alert|from-key-service)\.mjs$/;
    const name = (path: string): string => path.replace(/^.*\//, '').replace(/\.mjs$/, '');

    expect(programs.filter((path) => !indirectly.test(path) && !tests.includes(name(path)))).toEqual([]);
  });
});

describe('a command of a document', () => {
  const commands = ['README.md', ...guides].flatMap((path) =>
    snippetsIn(readDocument(path), 'sh')
      .join('\n')
      .replaceAll(/\\\n/g, ' ')
      .split('\n')
      .flatMap((line) => /^npx goldkey (.*?)(?:\s*#.*)?$/.exec(line)?.[1] ?? [])
      .map((command) => ({ path, command })),
  );

  it('has a name and options that the command line knows', async () => {
    const unknown: string[] = [];
    for (const { path, command } of commands) {
      const words = command.split(/\s+/);
      const verb = words.slice(0, words[0] === 'rotate' ? 2 : 1);
      const { code, stdout } = await run([...verb, '--help']);
      const options = words.filter((word) => word.startsWith('--'));
      if (code !== 0 || options.some((option) => !stdout.includes(`${option} `))) unknown.push(`${path}: ${command}`);
    }

    expect(commands.length).toBeGreaterThan(15);
    expect(unknown).toEqual([]);
  });
});

describe('a picture that is drawn by hand', () => {
  it('says the same in both themes, in other colours', () => {
    const [light, dark] = ['light', 'dark'].map((theme) => readDocument(`.github/charts/refused-call-${theme}.svg`));
    const colourless = (svg = ''): string => svg.replaceAll(/#[\da-f]{6}/g, '#');

    expect(colourless(dark)).toBe(colourless(light));
    expect(dark).not.toBe(light);
    expect(light).toMatch(/<title id="title">.+<\/title>\n<desc id="description">.+<\/desc>/);
  });
});
