import { beforeAll, describe, expect, it } from 'vitest';
import { built, finishedWithout, missing, ROOT } from '../examples/start-example.js';

/** Every key of the day begins with it; of a length whose base64 is the beginning of theirs. */
const SECRET = 'sk-invented/soak+=&01234';
const SEED = process.env['SOAK_SEED'] ?? String(Date.now() % 1_000_000_000);
/** In bytes. A promise that a call left behind would be more. */
const HEAP_PER_CALL = 16;
/** In bytes, of one end of a connection; by measurement. How many stay open is bounded by itself. */
const HEAP_PER_SOCKET = 8_704;
/** A connection that is cut gives its place to another before it is gone. */
const CLOSING = 8;

interface Share {
  requests: number;
  allowed: number;
}

interface Api extends Share {
  name: string;
  calls: number;
  outcomes: Record<string, number>;
  events: Record<string, number>;
  rotations: number;
  priceFaults: Record<string, number>;
  kmsFaults: Record<string, number>;
  most: { calls: number; fetches: number; loads: number };
  loads: number;
  causes: Record<string, number>;
  failedRequests: number;
  /** By the window's length in seconds. */
  worst: Record<string, Share>;
}

interface Hour {
  heap: number;
  sockets: number;
  others: number;
  timers: number;
  calls: number;
  requests: number;
}

interface Report {
  hours: Hour[];
  calmHours: Share[];
  recoveries: number[];
  apis: Api[];
  left: string[];
  violations: string[];
}

/** What a typed error, and nothing else, may have said. A reload's outcome has its own line. */
const TYPED = /^(?:reload\(\): )?ERR_GOLDKEY_[A-Z_]+(?: [a-z-]+)?$/;

/** A day in a process of its own. */
async function day(): Promise<Report & { seconds: number }> {
  const startedAt = performance.now();
  const script = `${ROOT}/test/integration/soak-day.mjs`;
  // What the optimiser keeps of the code is no part of what is measured.
  const flags = ['--expose-gc', '--no-opt', '--no-flush-bytecode'];
  const { code, stdout, stderr } = await finishedWithout(SECRET)([...flags, script], {
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    SOAK_SECRET: SECRET,
    SOAK_SEED: SEED,
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return { ...(JSON.parse(stdout) as Report), seconds: (performance.now() - startedAt) / 1_000 };
}

const list = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${String(count)}`)
    .join(', ');
const share = ({ requests, allowed }: Share): string => `${String(requests)} of ${String(allowed)}`;
const kib = (bytes: number): string => String(Math.round(bytes / 1_024));

function told({ apis, hours, calmHours, recoveries, seconds }: Awaited<ReturnType<typeof day>>): void {
  const lines = apis.flatMap((api) => [
    `${api.name}: ${String(api.calls)} calls, ${String(api.rotations)} rotations, at most ${String(api.most.calls)} calls at once`,
    `  answers      ${list(api.outcomes)}`,
    `  events       ${list(api.events)}`,
    `  price faults ${list(api.priceFaults)}`,
    `  KMS faults   ${list(api.kmsFaults)}`,
    `  KMS loads    ${String(api.loads)}: ${list(api.causes)}`,
    `  KMS requests ${share(api)}; fullest window ${Object.entries(api.worst)
      .map(([window, most]) => `${window} s: ${share(most)}`)
      .join(', ')}`,
  ]);
  console.info(
    [
      `SOAK_SEED=${SEED}: 24 h on the clock in ${seconds.toFixed(1)} s`,
      ...lines,
      `KMS requests in the calm hours: ${calmHours.map(share).join(', ')}`,
      `from a new key after a gap to the first quote, in ms: ${recoveries.join(', ')}`,
      `heap by hour, KiB: ${hours.map(({ heap }) => kib(heap)).join(' ')}`,
      `sockets by hour: ${hours.map(({ sockets }) => String(sockets)).join(' ')}`,
    ].join('\n'),
  );
}

describe.skipIf(!built)(`a day on the manual clock with every fault at random ${missing}`, () => {
  let report: Report;
  beforeAll(async () => {
    const ran = await day();
    told(ran);
    report = ran;
  }, 180_000);

  it('keeps every promise that was watched while it went on', () => {
    // Of every call: settled in time, with the very quote of a quiet moment or with a typed error or the caller's own
    // reason; no key in any of them, nor in an event. In calm hours: nothing but quotes, whatever the rotation. Of every
    // load: a reason. No unhandled rejection, no warning.
    expect(report.violations).toEqual([]);
  });

  it('answers every caller with a quote or a typed error, and has seen them all', () => {
    const calls = report.apis.reduce((sum, api) => sum + api.calls, 0);

    expect(calls).toBeGreaterThan(10_000);
    for (const { calls: made, outcomes, priceFaults, kmsFaults, events } of report.apis) {
      const untyped = Object.keys(outcomes).filter(
        (outcome) => outcome !== 'quote' && outcome !== 'aborted by the caller' && !TYPED.test(outcome),
      );
      const ended = Object.entries(outcomes).filter(([outcome]) => !outcome.startsWith('reload()'));

      expect(untyped).toEqual([]);
      expect(ended.reduce((sum, [, count]) => sum + count, 0)).toBe(made);
      expect(outcomes['quote']).toBeGreaterThan(made / 3);
      expect(Object.keys(priceFaults)).toHaveLength(10);
      expect(Object.keys(kmsFaults).length).toBeGreaterThan(5);
      expect(Math.min(...Object.values(events))).toBeGreaterThan(0);
    }
  });

  it('asks KMS once per life and once per repair, over the day and in the fullest window of it', () => {
    for (const api of report.apis) {
      expect(api.requests).toBeLessThanOrEqual(api.allowed);
      for (const most of Object.values(api.worst)) expect(most.requests).toBeLessThanOrEqual(most.allowed);
      expect(api.causes['life']).toBeGreaterThan(0);
      expect(api.causes['refusal']).toBeGreaterThan(0);
    }
    for (const calm of report.calmHours) expect(calm.requests).toBeLessThanOrEqual(calm.allowed);
  });

  it('has a quote again 30 s after a new key at the latest, when there was none for a minute', () => {
    expect(report.recoveries.length).toBeGreaterThan(0);
    expect(Math.max(...report.recoveries)).toBeLessThanOrEqual(30_000);
  });

  it('holds no more memory, sockets and timers in the evening than at noon', () => {
    const at = (hour: number): Hour => report.hours[hour - 1] as Hour;
    const heapWithoutSockets = (hour: number): number => at(hour).heap - HEAP_PER_SOCKET * at(hour).sockets;
    const grown = (from: number): number =>
      (heapWithoutSockets(24) - heapWithoutSockets(from)) / (at(24).calls - at(from).calls);
    const sockets = report.apis.reduce((sum, { most }) => sum + most.fetches + most.loads + CLOSING, 0);

    expect(grown(12)).toBeLessThan(HEAP_PER_CALL);
    // In the morning there is still code that runs for the first time.
    expect(grown(4)).toBeLessThan(2 * HEAP_PER_CALL);
    for (const hour of report.hours) {
      expect(hour.sockets).toBeLessThanOrEqual(sockets);
      // Of each API, and of its KMS, the server that listens.
      expect(hour.others).toBe(2 * report.apis.length);
      expect(hour.timers).toBeLessThanOrEqual(1);
    }
    expect(report.left).toEqual([]);
  });
});
