import { describe, expect, it } from 'vitest';
import { lib, ratio, result, type Result } from './typed-lib.js';

const { barChart } = await lib('chart.mjs');
const { chartsOf } = await lib('charts.mjs');

describe('a chart', () => {
  const chart = {
    title: 'A & B',
    subtitle: '<less>',
    description: 'in "words"',
    panels: [
      {
        heading: 'h',
        rows: [
          { label: 'naive & co <1>', text: '1,000 loads', bars: [{ value: 1_000, tone: 'peer' }] },
          { label: 'goldkey', text: '1 load', bars: [{ value: 1, tone: 'ours' }] },
          { label: 'none', text: '0', bars: [{ value: 0, tone: 'error' }] },
        ],
      },
    ],
  };

  it('escapes what XML does not take', () => {
    const { light } = barChart(chart);

    for (const text of ['>A &amp; B<', '>&lt;less&gt;<', '>in &quot;words&quot;<', '>naive &amp; co &lt;1&gt;<']) {
      expect(light).toContain(text);
    }
    expect(light).not.toMatch(/&(?!amp;|lt;|gt;|quot;)/);
  });

  it('has a title and a description that the picture is labelled by', () => {
    for (const svg of Object.values(barChart(chart))) {
      expect(svg).toMatch(/^<svg [^>]*role="img" aria-labelledby="title description"/);
      expect(svg).toContain('<title id="title">');
      expect(svg).toContain('<desc id="description">');
    }
  });

  it('says the same in both themes, in other colours', () => {
    const { light, dark } = barChart(chart);
    const colourless = (svg: string): string => svg.replaceAll(/#[\da-f]{6}/g, '#');

    expect(colourless(dark)).toBe(colourless(light));
    expect(dark).not.toBe(light);
  });

  it('bars are as long as their figures; the least above nothing can be seen, nothing cannot', () => {
    const widths = [...barChart(chart).light.matchAll(/<rect x="234"[^>]* width="([\d.]+)"/g)].map(
      ([, width]) => width,
    );

    expect(widths).toEqual(['370', '2', '0']);
  });

  it.each([Number.NaN, Infinity, -1, undefined])('refuses %s as a figure', (value) => {
    const rows = [{ label: 'naive', text: '', bars: [{ value: value as number, tone: 'peer' }] }];

    expect(() => barChart({ ...chart, panels: [{ heading: 'h', rows }] })).toThrow('A & B: naive has no figure');
  });

  it('of nothing but zeros has no NaN in it', () => {
    const rows = [{ label: 'naive', text: '0', bars: [{ value: 0, tone: 'peer' }] }];

    expect(barChart({ ...chart, panels: [{ heading: 'h', rows }] }).light).not.toContain('NaN');
  });
});

describe('the charts of a run', () => {
  const revoked = {
    ...ratio('8', 1),
    details: { goldkey: { loads: 1 }, naive: { loads: 3_000 }, peer: { loads: 41 } },
  };
  const rotated = {
    ...ratio('7', 1),
    details: { goldkey: { loads: 1, errors: 0 }, naive: { loads: 1_000, errors: 999 } },
  };
  const first = (ms: number): Result['lines'][number] => ({
    ...ratio('11', 1),
    figures: { 'goldkey, fromKmsLight': ms, naive: 185 },
  });

  it('show a refused key and the time to the first key, on every version that has it', () => {
    const charts = chartsOf([result(20, [rotated, revoked, first(18)]), result(22, [rotated, revoked, first(19)])]);

    expect(charts.map(({ name }) => name)).toEqual(['refused-key', 'first-key']);
    expect(charts[0]?.alt).toContain('goldkey 1 load; peer 41 loads; naive 3,000 loads');
    expect(charts[0]?.alt).toContain('goldkey 1 load, 0 errors; naive 1,000 loads, 999 errors');
    expect(charts[0]?.shortAlt).toContain('calls a second: goldkey 1 load; naive 3,000 loads.');
    expect(charts[1]?.alt).toContain('Node.js 20: goldkey, fromKmsLight 18 ms; naive 185 ms. Node.js 22: goldkey');
  });

  it('are left out when the run has not measured their rows', () => {
    expect(chartsOf([result(20, [revoked])])).toEqual([]);
    expect(chartsOf([result(20, [first(18)])]).map(({ name }) => name)).toEqual(['first-key']);
  });
});
