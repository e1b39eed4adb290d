const WIDTH = 800;
const MARGIN = 24;
const LABELS = 210;
const BARS = 370;
const ROW = 24;
const FONT = "-apple-system, BlinkMacSystemFont, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif";

/** Blue, grey and orange differ for every kind of colour vision; each stands out from its background by 3 to 1. */
export const THEMES = {
  light: {
    back: '#ffffff',
    edge: '#d1d9e0',
    text: '#1f2328',
    muted: '#59636e',
    ours: '#0969da',
    peer: '#818b98',
    error: '#bc4c00',
  },
  dark: {
    back: '#0d1117',
    edge: '#3d444d',
    text: '#f0f6fc',
    muted: '#9198a1',
    ours: '#4493f8',
    peer: '#656c76',
    error: '#db6d28',
  },
};

/** Text as it stands in XML, inside an element or an attribute. */
export function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/**
 * Horizontal bars with their figures as text, as SVG, once for each theme. A panel is
 * `{ heading, max?, rows: [{ label, text, strong?, bars: [{ value, tone }] }] }`; `max` puts panels on one scale.
 *
 * @returns the SVG texts, by theme
 */
export function barChart(chart) {
  for (const { label, bars } of chart.panels.flatMap(({ rows }) => rows)) {
    for (const { value } of bars) {
      if (!(value >= 0 && value < Infinity)) throw new Error(`${chart.title}: ${label} has no figure`);
    }
  }
  return Object.fromEntries(Object.entries(THEMES).map(([name, theme]) => [name, svg(chart, theme)]));
}

function svg({ title, subtitle, description, panels }, theme) {
  const parts = [];
  let y = MARGIN + 16;
  const text = (x, size, colour, content, more = '') => {
    parts.push(
      `<text x="${String(x)}" y="${String(y)}" font-size="${String(size)}" fill="${colour}"${more}>${escaped(content)}</text>`,
    );
  };
  text(MARGIN, 18, theme.text, title, ' font-weight="600"');
  y += 22;
  text(MARGIN, 13, theme.muted, subtitle);
  for (const { heading, rows, max = largest(rows) } of panels) {
    y += 32;
    text(MARGIN, 14, theme.text, heading, ' font-weight="600"');
    y += 10;
    for (const row of rows) {
      const x = MARGIN + LABELS;
      const widths = row.bars.map(({ value }) => (value === 0 ? 0 : Math.max(2, (value / max) * BARS)));
      const height = (ROW - 8) / row.bars.length;
      row.bars.forEach(({ tone }, i) => {
        const top = y + 4 + i * height;
        parts.push(
          `<rect x="${String(x)}" y="${fixed(top)}" width="${fixed(widths[i])}" height="${fixed(height)}" fill="${theme[tone]}"/>`,
        );
      });
      y += ROW - 7;
      const weight = row.strong === true ? ' font-weight="600"' : '';
      text(x - 10, 13, theme.text, row.label, ` text-anchor="end"${weight}`);
      text(fixed(x + Math.max(...widths) + 8), 13, theme.text, row.text, weight);
      y += 7;
    }
  }
  return framed({ title, description, width: WIDTH, height: y + MARGIN }, theme, parts);
}

/** Returns the SVG of a picture's parts, on its background and with its words for who cannot see it. */
export function framed({ title, description, width, height }, theme, parts) {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${String(width)}" height="${String(height)}" viewBox="0 0 ${String(width)} ${String(height)}" role="img" aria-labelledby="title description" font-family="${FONT}">`,
    `<title id="title">${escaped(title)}</title>`,
    `<desc id="description">${escaped(description)}</desc>`,
    `<rect x="0.5" y="0.5" width="${String(width - 1)}" height="${String(height - 1)}" rx="6" fill="${theme.back}" stroke="${theme.edge}"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

/** The largest figure of a panel's rows: its bar fills the width. */
export function largest(rows) {
  return Math.max(Number.MIN_VALUE, ...rows.flatMap(({ bars }) => bars.map(({ value }) => value)));
}

function fixed(number) {
  return String(Math.round(number * 10) / 10);
}
