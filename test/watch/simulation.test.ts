import { describe, expect, it } from 'vitest';
import { SpikeDetector } from '../../src/watch/spike-detector.js';

const OPTIONS = { factor: 5, min: 100, warmUp: 30 };
const A_DAY = 1_440;
const A_MONTH = 30 * A_DAY;
const SEEDS = 1_000;

/** A generator of numbers from 0 to 1 (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Draws from a Poisson distribution, by the normal one where the mean is large. */
function poisson(mean: number, next: () => number): number {
  if (mean > 30) {
    const normal = Math.sqrt(-2 * Math.log(next() || 1e-12)) * Math.cos(2 * Math.PI * next());
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal));
  }
  const limit = Math.exp(-mean);
  let [count, product] = [0, next()];
  for (; product > limit; product *= next()) count++;
  return count;
}

/** Usual calls in a minute: fifty times as many by day as by night, and half as many on two days of seven. */
function usual(minute: number, peak: number): number {
  const phase = (1 - Math.cos((2 * Math.PI * minute) / A_DAY)) / 2;
  const weekend = Math.floor(minute / A_DAY) % 7 >= 5 ? 0.5 : 1;
  return (peak / 50) * 50 ** phase * weekend;
}

interface Service {
  /** Calls in its busiest minute. */
  readonly peak: number;
  /** The minute of the day at which the simulation starts. */
  readonly start: number;
}

const drawService = (next: () => number): Service => ({
  peak: 20 * 10 ** (3 * next()),
  start: Math.floor(next() * A_DAY),
});

/** Simulates `minutes` of traffic. Returns the minutes in which a spike was told. */
function simulate(service: Service, minutes: number, next: () => number, burst?: [from: number, to: number]): number[] {
  const told: number[] = [];
  let detector = new SpikeDetector(OPTIONS);
  for (let minute = 0; minute < minutes; minute++) {
    const isBurst = burst !== undefined && minute >= burst[0] && minute < burst[1];
    // A deploy two days in three, at any time: the new process has learned nothing.
    if (burst === undefined && next() < 2 / (3 * A_DAY)) detector = new SpikeDetector(OPTIONS);
    // Now and then the service's own users send ten times as much for a minute.
    const factor = isBurst || next() < 1 / A_DAY ? 10 : 1;
    if (detector.take(poisson(usual(service.start + minute, service.peak) * factor, next))) told.push(minute);
  }
  return told;
}

describe('on a month of traffic with nights, weekends, deploys and bursts of a minute', () => {
  it('no more than one false alert is told in any of 1,000 runs, and hardly one in fifty has one', () => {
    const alerts = Array.from({ length: SEEDS }, (_none, seed) => {
      const next = random(seed);
      return simulate(drawService(next), A_MONTH, next).length;
    });
    expect(Math.max(...alerts)).toBeLessThanOrEqual(1);
    expect(alerts.filter((count) => count > 0).length).toBeLessThanOrEqual(SEEDS / 50);
  }, 120_000);

  it('ten times the traffic for ten minutes is told once, where there is enough of it and it does not fall anyway', () => {
    const [from, to] = [A_DAY, A_DAY + 10];
    let enough = 0;
    for (let seed = 0; seed < 100; seed++) {
      const next = random(seed);
      const service = drawService(next);
      const told = simulate(service, 2 * A_DAY, next, [from, to]).filter((minute) => minute >= from && minute < to);
      const [before = 0, now = 0] = [from - 240, from].map((minute) => usual(service.start + minute, service.peak));
      // Where traffic falls, as each evening, what is usual lags behind, and a spike must be larger.
      const isEnough = now * 10 > 2 * OPTIONS.min && now >= before;
      if (isEnough) enough++;
      expect(told.length).toBeLessThanOrEqual(1);
      if (isEnough) expect(told, `seed ${String(seed)}`).toHaveLength(1);
    }
    expect(enough).toBeGreaterThan(20);
  });
});
