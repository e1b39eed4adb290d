import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { escaped } from './chart.mjs';

const START = '<!-- bench:start -->';
const END = '<!-- bench:end -->';
const CHARTS = '.github/charts';

/** The README's text around the figures, or a refusal when it has no place for them. `root` is the project's folder. */
export async function openReadme(root) {
  const url = new URL('README.md', root);
  const text = await readFile(url, 'utf8');
  const start = text.indexOf(START);
  const end = text.indexOf(END);
  if (start === -1 || end < start) throw new Error(`README.md lacks the markers ${START} and ${END}`);
  return {
    async write(markdown) {
      const written = `${text.slice(0, start + START.length)}\n\n${markdown}\n\n${text.slice(end)}`;
      const { format, resolveConfig } = await import('prettier');
      await writeFile(url, await format(written, { ...(await resolveConfig(url)), parser: 'markdown' }));
    },
  };
}

/** Writes each chart in both themes, and gives the Markdown that shows the one that fits the reader's. */
export async function writeCharts(root, charts) {
  await mkdir(new URL(`${CHARTS}/`, root), { recursive: true });
  const pictures = [];
  for (const { name, alt, svg } of charts) {
    for (const [theme, text] of Object.entries(svg)) {
      await writeFile(new URL(`${CHARTS}/${name}-${theme}.svg`, root), text);
    }
    pictures.push(
      '<picture>\n' +
        `  <source media="(prefers-color-scheme: dark)" srcset="${CHARTS}/${name}-dark.svg">\n` +
        `  <img alt="${escaped(alt)}" src="${CHARTS}/${name}-light.svg" width="800">\n` +
        '</picture>',
    );
  }
  return pictures;
}
