import { describe, expect, it } from 'vitest';
import { CandidateHealth } from '../../src/util/candidate-health.js';

describe('the health of a candidate', () => {
  it('rests longer with each failure, up to the last rest, until a success', () => {
    const health = new CandidateHealth();
    const rests = Array.from({ length: 4 }, () => {
      health.recordFailure(0, 100, 300);
      return [99, 100, 199, 200, 299, 300].filter((now) => health.isResting(now)).at(-1);
    });
    health.recordSuccess();
    health.recordFailure(1_000, 100, 300);

    expect(rests).toEqual([99, 199, 299, 299]);
    expect([health.isResting(1_099), health.isResting(1_100)]).toEqual([true, false]);
  });

  it('a shorter rest does not shorten the one it has', () => {
    const health = new CandidateHealth();
    health.recordFailure(0, 500);
    health.recordFailure(1, 100);
    expect([health.isResting(499), health.isResting(500)]).toEqual([true, false]);
  });

  it('lets one call try it after its rest, and another one when that call ends without a verdict', () => {
    const health = new CandidateHealth();
    const [one, two] = [{}, {}];
    health.startTrial(one, 0);
    expect(health.isResting(0)).toBe(false);

    health.recordFailure(0, 10);
    health.startTrial(one, 9);
    health.startTrial(one, 10);
    health.startTrial(two, 10);
    expect(health.isResting(11)).toBe(true);
    health.endTrial(two);
    expect(health.isResting(11)).toBe(true);
    health.endTrial(one);
    expect(health.isResting(11)).toBe(false);
    health.startTrial(two, 11);
    health.recordSuccess();
    expect(health.isResting(11)).toBe(false);
  });
});
