import { barChart, largest } from './chart.mjs';
import { figure } from './line.mjs';
import { majorOf } from './results.mjs';

/**
 * Returns the charts that the results have the figures for: a name, both SVGs, all bars in words (`alt`), and goldkey's
 * and the naive ones (`shortAlt`).
 */
export function chartsOf(results) {
  return [refusedKey(results), firstKey(results)].filter((each) => each !== undefined);
}

/** Counts hardly differ between the versions of Node.js: the first that has them is shown. */
function refusedKey(results) {
  for (const { version, lines } of results) {
    const revoked = lines.find(({ row }) => row === '8')?.details;
    const rotated = lines.find(({ row }) => row === '7')?.details;
    if (revoked === undefined || rotated === undefined) continue;
    const loads = panel(revoked, (counts) => ({
      text: `${figure(counts.loads)} ${counts.loads === 1 ? 'load' : 'loads'}`,
      bars: [counts.loads],
    }));
    const repaired = panel(rotated, (counts) => ({
      text: `${figure(counts.loads)} ${counts.loads === 1 ? 'load' : 'loads'}, ${figure(counts.errors)} errors`,
      bars: [counts.loads, counts.errors],
    }));
    return chart('refused-key', {
      title: 'A refused key under load',
      subtitle: `Store calls and failed callers, fewer is better; orange: callers that got an error. Node.js ${version.replace('v', '')}.`,
      panels: [
        { heading: 'The key is revoked: store calls in 5 s at 500 calls a second', rows: loads },
        { heading: 'The key is rotated: 1,000 calls at once are refused', rows: repaired },
      ],
    });
  }
  return undefined;
}

function panel(counts, tell) {
  const rows = Object.entries(counts).map(([label, each]) => {
    const { text, bars } = tell(each);
    const strong = label === 'goldkey';
    const tones = [strong ? 'ours' : 'peer', 'error'];
    return { label, text, strong, bars: bars.map((value, i) => ({ value, tone: tones[i] })) };
  });
  return rows.toSorted((a, b) => Number(b.strong) - Number(a.strong) || largest([a]) - largest([b]));
}

function firstKey(results) {
  const panels = [];
  for (const { version, lines } of results) {
    const figures = lines.find(({ row, figures: held }) => row === '11' && held !== undefined)?.figures;
    if (figures === undefined) continue;
    const rows = Object.entries(figures).map(([label, ms]) => {
      const ours = label.startsWith('goldkey');
      return { label, text: `${figure(ms)} ms`, strong: ours, bars: [{ value: ms, tone: ours ? 'ours' : 'peer' }] };
    });
    panels.push({ heading: `Node.js ${String(majorOf(version))}`, rows });
  }
  if (panels.length === 0) return undefined;
  const max = Math.max(...panels.map(({ rows }) => largest(rows)));
  return chart('first-key', {
    title: 'Time to first key',
    subtitle: 'A cold process, imports included, until a KMS on loopback has decrypted the key; shorter is better.',
    panels: panels.map((each) => ({ ...each, max })),
  });
}

function chart(name, { title, subtitle, panels }) {
  const words = inWords(panels);
  const description = `${subtitle} ${words}`;
  const extremes = panels.map(({ heading, rows }) => ({
    heading,
    rows: rows.filter(({ label, strong }) => strong === true || label === 'naive'),
  }));
  return {
    name,
    alt: `${title}. ${words}`,
    shortAlt: `${title}. ${inWords(extremes)}`,
    svg: barChart({ title, subtitle, description, panels }),
  };
}

function inWords(panels) {
  return panels
    .map(({ heading, rows }) => `${heading}: ${rows.map(({ label, text }) => `${label} ${text}`).join('; ')}.`)
    .join(' ');
}
