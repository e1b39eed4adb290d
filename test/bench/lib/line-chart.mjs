import { escaped, framed, THEMES } from './chart.mjs';

const WIDTH = 800;
const HEIGHT = 300;
const LEFT = 60;
const RIGHT = 24;
const TOP = 78;
const BOTTOM = 40;

/**
 * Draws lines over the hours of a day as SVG, once for each theme. A line is `{ label, tone, values }`, its values at equal
 * distances in time.
 *
 * @returns the SVG texts, by theme
 */
export function lineChart(chart) {
  for (const { label, values } of chart.lines) {
    if (values.length < 2 || values.some((value) => !(value >= 0 && value < Infinity)))
      throw new Error(`${chart.title}: ${label} has no figures`);
  }
  return Object.fromEntries(Object.entries(THEMES).map(([name, theme]) => [name, svg(chart, theme)]));
}

function svg({ title, subtitle, description, lines, hours, unit, marks }, theme) {
  const max = Math.max(...lines.flatMap(({ values }) => values));
  const step = niceStep(max / 4);
  const ceiling = Math.ceil(max / step) * step;
  const x = (share) => LEFT + share * (WIDTH - LEFT - RIGHT);
  const y = (value) => HEIGHT - BOTTOM - (value / ceiling) * (HEIGHT - TOP - BOTTOM);
  const text = (at, top, size, colour, content, more = '') =>
    `<text x="${at.toFixed(1)}" y="${top.toFixed(1)}" font-size="${String(size)}" fill="${colour}"${more}>${escaped(content)}</text>`;
  const rule = (x1, y1, x2, y2) =>
    `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="${theme.edge}"/>`;
  const parts = [text(24, 40, 18, theme.text, title, ' font-weight="600"'), text(24, 62, 13, theme.muted, subtitle)];
  for (let value = 0; value <= ceiling; value += step) {
    parts.push(rule(LEFT, y(value), WIDTH - RIGHT, y(value)));
    parts.push(text(LEFT - 8, y(value) + 4, 12, theme.muted, value.toLocaleString('en-US'), ' text-anchor="end"'));
  }
  for (let hour = 0; hour <= hours; hour += 4)
    parts.push(
      text(x(hour / hours), HEIGHT - BOTTOM + 18, 12, theme.muted, `${String(hour)} h`, ' text-anchor="middle"'),
    );
  for (const { hour, label } of marks) {
    parts.push(rule(x(hour / hours), TOP, x(hour / hours), HEIGHT - BOTTOM));
    parts.push(text(x(hour / hours) + 4, TOP + 10, 12, theme.muted, label));
  }
  for (const { tone, values } of lines) {
    const points = values.map((value, index) => `${x(index / (values.length - 1)).toFixed(1)},${y(value).toFixed(1)}`);
    parts.push(`<polyline points="${points.join(' ')}" fill="none" stroke="${theme[tone]}" stroke-width="1.5"/>`);
  }
  return framed({ title, description: `${description} In ${unit}.`, width: WIDTH, height: HEIGHT }, theme, parts);
}

/** Returns 1, 2 or 5 times a power of ten, at least as large as `least`. */
function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least);
}
