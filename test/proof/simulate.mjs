// npm run simulate -- [--instances N] [--hours N] [--seed N] [--check] [--write]
//   A day of a fleet of ten thousand on a manual clock, with goldkey's own clients: what KMS and the ring's store are asked, how
//   long a promoted key takes to reach everybody, and what it costs to change the key at once. --check holds the model to six
//   real processes over a real Redis. --write puts the figures and the chart into the guide of rotations.
import { readOptions, refuse, SEED } from '../programs/read-options.mjs';
import { randomOf } from './lib/dice.mjs';

const ROOT = new URL('../../', import.meta.url);
const values = readOptions(import.meta.filename, {
  instances: { least: 1, most: 1_000_000 },
  hours: { least: 1, most: 1_000 },
  seed: SEED,
  check: { flag: true },
  write: { flag: true },
});
const given = { instances: values.instances ?? 10_000, hours: values.hours ?? 24, seed: values.seed ?? 1 };
if (values.write && (given.instances < 1_000 || given.hours < 24))
  refuse('--write takes at least --instances 1000 and --hours 24: the guide is to show a whole day of a fleet.');
if (values.write && values.check) refuse('--check writes nothing: give it without --write.');

// They need what is built, and none of them is needed to refuse an option.
const { picture, openDocument, writeCharts } = await import('../bench/lib/readme.mjs');
const { chartOf, sectionOf, tableOf } = await import('./lib/fleet-report.mjs');
const { comparison } = await import('./parts/comparison.mjs');
const { day } = await import('./parts/day.mjs');

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
  const { instances, hours, seed } = given;
  process.stdout.write(
    `Instances: ${String(instances)}. Hours: ${String(hours)}. Seed: ${String(seed)}.\n\n${tableOf(figures)}\n`,
  );
  if (guide !== undefined) {
    const chart = chartOf(figures, given);
    await writeCharts(ROOT, [chart]);
    await guide.write(sectionOf(figures, given, picture(chart, chart.alt, '../../')));
  }
}
