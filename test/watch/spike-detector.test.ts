import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SpikeDetector } from '../../src/watch/spike-detector.js';
import { windows } from './scene.js';

const OPTIONS = { factor: 5, min: 100, warmUp: 30 };

/** The places of the windows after which a spike is told. */
function find(counts: readonly number[], options: typeof OPTIONS = OPTIONS): number[] {
  const detector = new SpikeDetector(options);
  return counts.flatMap((calls, index) => (detector.take(calls) ? [index] : []));
}

const usual = windows(40, 100);

describe('a spike', () => {
  it('is two windows in a row far above the usual, told once', () => {
    expect(find([...usual, ...windows(10, 1_000)])).toEqual([41]);
  });

  it('is not one window alone, however high', () => {
    expect(find([...usual, 10_000, ...usual, 100_000, 100])).toEqual([]);
  });

  it('is not a burst of ten times the usual within a minute that two windows share', () => {
    expect(find([...usual, 550, 550, ...usual])).toEqual([]);
    expect(find([...usual, 800, 300, ...usual])).toEqual([]);
  });

  it.each([
    ['less than `min` calls', [...windows(40, 2), 99, 99, 99]],
    ['no more than `factor` times the usual', [...usual, ...windows(20, 500)]],
    ['what comes before `warmUp` windows have passed', [...windows(29, 100), 1_000, 1_000]],
  ])('is not %s', (_what, counts) => {
    expect(find(counts)).toEqual([]);
  });

  it('is told from `min` calls on, past `warmUp` windows', () => {
    expect(find([...windows(30, 2), 100, 100])).toEqual([31]);
  });

  it('is not what chance makes of few calls: six standard deviations are', () => {
    const few = { factor: 1.1, min: 1, warmUp: 30 };
    expect(find([...usual, 155, 155, 155], few)).toEqual([]);
    expect(find([...usual, 170, 260, 170], few)).toEqual([41]);
  });

  it('is told again after five quiet windows, and not before', () => {
    expect(find([...usual, 1_000, 1_000, ...windows(4, 100), 1_000, 1_000])).toEqual([41]);
    expect(find([...usual, 1_000, 1_000, ...windows(5, 100), 1_000, 1_000])).toEqual([41, 48]);
  });

  it('does not become the usual while it lasts an hour, and does after it', () => {
    const back = [...usual, ...windows(30, 1_000), ...windows(5, 100), 1_000, 1_000];
    expect(find(back)).toEqual([41, back.length - 1]);
    const grown = [...usual, ...windows(70, 1_000), ...windows(30, 1_000), 10_000, 10_000];
    expect(find(grown)).toEqual([41, grown.length - 1]);
  });

  it('is told again after a reset, if it goes on', () => {
    const detector = new SpikeDetector(OPTIONS);
    for (const calls of [...usual, 1_000, 1_000]) detector.take(calls);
    detector.reset();
    expect([detector.take(1_000), detector.take(1_000)]).toEqual([false, true]);
  });

  it('is never told of traffic that stays within five times its least', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 5_000 }),
        fc.array(fc.nat(1_000_000), { maxLength: 500 }),
        (least, drawn) => {
          expect(find(drawn.map((each) => least + (each % (4 * least + 1))))).toEqual([]);
        },
      ),
      { numRuns: 200 },
    );
  });
});
