// npm run simulate -- [--instances N] [--hours N] [--seed N] [--check] [--write]
//   A day of a fleet of ten thousand on a manual clock, with goldkey's own clients: what KMS and the ring's store are asked, how
//   long a promoted key takes to reach everybody, and what it costs to change the key at once. --check holds the model to six
//   real processes over a real Redis. --write puts the figures and the chart into the guide of rotations.
import { parseArgs } from 'node:util';
import { picture, openDocument, writeCharts } from '../bench/lib/readme.mjs';
import { randomOf } from './lib/dice.mjs';
import { chartOf, sectionOf, tableOf } from './lib/fleet-report.mjs';
import { comparison } from './parts/comparison.mjs';
import { day } from './parts/day.mjs';

const ROOT = new URL('../../', import.meta.url);
const { values } = parseArgs({
  options: {
    instances: { type: 'string', default: '10000' },
    hours: { type: 'string', default: '24' },
    seed: { type: 'string', default: '1' },
    check: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const given = { instances: Number(values.instances), hours: Number(values.hours), seed: Number(values.seed) };

// The clients' own draws too: a seed is a run.
Math.random = randomOf(given.seed + 1);

if (values.check) {
  const compared = await comparison(given.seed);
  for (const { what, real, least, most, agrees } of compared)
    process.stdout.write(
      `${agrees ? 'agrees' : 'DIFFERS'}: ${what}: real ${real.toFixed(2)}, model ${least.toFixed(2)} to ${most.toFixed(2)}\n`,
    );
  process.exitCode = compared.every(({ agrees }) => agrees) ? 0 : 1;
} else {
  const guide = values.write ? await openDocument(ROOT, 'examples/rotation/README.md', 'fleet') : undefined;
  const figures = [await day({ ...given, subscribes: true }), await day({ ...given, subscribes: false })];
  process.stdout.write(`${tableOf(figures)}\n`);
  if (guide !== undefined) {
    const chart = chartOf(figures, given);
    await writeCharts(ROOT, [chart]);
    await guide.write(sectionOf(figures, given, picture(chart, chart.alt, '../../')));
  }
}
