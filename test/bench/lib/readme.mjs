import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { escaped } from './chart.mjs';

const CHARTS = '.github/charts';

/**
 * Opens a Markdown file whose figures stand between two markers; throws if it lacks them. `root` is the project's
 * folder, `path` the file's place in it, `mark` the name of the markers.
 */
export async function openDocument(root, path, mark = 'bench') {
  const [opening, closing] = ['start', 'end'].map((which) => `<!-- ${mark}:${which} -->`);
  const url = new URL(path, root);
  const text = await readFile(url, 'utf8');
  const start = text.indexOf(opening);
  const end = text.indexOf(closing);
  if (start === -1 || end < start) throw new Error(`${path} lacks the markers ${opening} and ${closing}`);
  return {
    text,
    async write(markdown) {
      const written = `${text.slice(0, start + opening.length)}\n\n${markdown}\n\n${text.slice(end)}`;
      const { format, resolveConfig } = await import('prettier');
      await writeFile(url, await format(written, { ...(await resolveConfig(url)), parser: 'markdown' }));
    },
  };
}

/** Writes each chart in both themes. */
export async function writeCharts(root, charts) {
  await mkdir(new URL(`${CHARTS}/`, root), { recursive: true });
  for (const { name, svg } of charts) {
    for (const [theme, text] of Object.entries(svg)) {
      await writeFile(new URL(`${CHARTS}/${name}-${theme}.svg`, root), text);
    }
  }
}

/**
 * Returns the Markdown that shows a chart in the reader's theme, with the same in words. `toRoot` leads from the
 * document's folder to the project's, e.g. `../../`.
 */
export function picture({ name }, words, toRoot = '') {
  return (
    '<picture>\n' +
    `  <source media="(prefers-color-scheme: dark)" srcset="${toRoot}${CHARTS}/${name}-dark.svg">\n` +
    `  <img alt="${escaped(words)}" src="${toRoot}${CHARTS}/${name}-light.svg" width="800">\n` +
    '</picture>'
  );
}
