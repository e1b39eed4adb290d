import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { fromKeyRing, type KeyRingDocument, type KeyUse, type RingStore } from '../../../src/rotation/index.js';
import { createUseReporter, parseUse, readUses, summarizeUse } from '../../../src/rotation/ring/report-use.js';

const START = 1_795_000_000_000;
const MINUTE = 60_000;
const DAY = 86_400_000;
const ring = { versions: { v1: {}, v2: {} } } as unknown as KeyRingDocument;

const use = (at: number, version = 'v1', instance = 'host-1'): KeyUse => ({ instance, version, at });
const store = (more: Partial<RingStore>): RingStore => ({ name: 'memory', ...more }) as RingStore;

describe('a reporter of uses', () => {
  it('needs a store that keeps reports', () => {
    const read = (): Promise<undefined> => Promise.resolve(undefined);
    const options = {
      ring: store({ read, write: read }),
      name: 'gold',
      cipher: { name: 'local', decrypt: read, accepts: () => true } as never,
      reportUse: true,
    };

    expect(() => fromKeyRing(options)).toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_ARG_VALUE',
        message: '`reportUse` needs a ring store that keeps use reports; `memory` keeps none.',
      }),
    );
  });

  it('writes one a minute, by the times of the uses', () => {
    const written: number[] = [];
    const report = createUseReporter('gold', store({ reportUse: ({ at }) => Promise.resolve(void written.push(at)) }));

    const times = [0, 1, MINUTE - 1, MINUTE, MINUTE + 1, 2 * MINUTE].map((ms) => START + ms);
    for (const at of times) report(use(at));

    expect(written).toEqual([START, START + MINUTE, START + 2 * MINUTE]);
  });

  it('goes on where the clock was set back by a minute or more', () => {
    const written: number[] = [];
    const report = createUseReporter('gold', store({ reportUse: ({ at }) => Promise.resolve(void written.push(at)) }));

    for (const at of [START, START - MINUTE + 1, START - MINUTE, START - DAY]) report(use(at));

    expect(written).toEqual([START, START - MINUTE, START - DAY]);
  });

  it.each<[string, unknown]>([
    ['Error', new Error('no space')],
    ['not an Error', 'no space'],
  ])(
    'warns where nobody listens and a report fails or throws, by the kind of the error alone: %s',
    async (kind, thrown) => {
      const spy = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
      onTestFinished(() => spy.mockRestore());
      const failing: NonNullable<RingStore['reportUse']> = ({ at }) => {
        if (at === START) throw thrown;
        return Promise.reject(thrown as Error);
      };
      const report = createUseReporter('gold', store({ reportUse: failing }));

      report(use(START));
      report(use(START + MINUTE));
      await vi.waitFor(() => expect(spy).toHaveBeenCalledTimes(2));

      const message = `The use of the key ring \`gold\` could not be reported (${kind}), so that \`retire\` does not know of this instance; let it write beside the ring, or leave \`reportUse\` out.`;
      const warning = [message, { type: 'GoldKeyWarning', code: 'GOLDKEY_USE_REPORT_FAILED' }];
      expect(spy.mock.calls).toEqual([warning, warning]);
    },
  );
});

describe('the reports of uses', () => {
  it('are those of the ring’s versions that are less than a day old', async () => {
    const uses = [
      use(START),
      use(START + 1),
      use(START + DAY, 'v2'),
      use(START + DAY, 'v3'),
      use(START + DAY, 'toString'),
    ];
    const signals: unknown[] = [];
    const { signal } = new AbortController();
    const kept = store({
      readUse(options) {
        signals.push(options?.signal);
        return Promise.resolve(uses);
      },
    });

    expect(await readUses(kept, ring, START + DAY, signal)).toEqual([use(START + 1), use(START + DAY, 'v2')]);
    expect(signals[0]).toBe(signal);
    expect(await readUses(store({}), ring, START)).toBeUndefined();
  });

  it('are summed up by version: how many instances, and the latest time', () => {
    const uses = [use(3), use(9, 'v1', 'host-2'), use(7, 'v1', 'host-2'), use(11, 'v2')];

    expect(summarizeUse(uses, 'v1')).toEqual({ instances: 2, lastUsedAt: 9 });
    expect(summarizeUse(uses, 'v2')).toEqual({ instances: 1, lastUsedAt: 11 });
    expect(Object.keys(summarizeUse(uses, 'v3'))).toEqual(['instances']);
    expect(summarizeUse(uses, 'v3')).toEqual({ instances: 0 });
  });
});

describe('the text of a report', () => {
  it('is read without what else it holds', () => {
    expect(parseUse(JSON.stringify({ ...use(START), note: 'x' }))).toEqual(use(START));
  });

  it.each<[string, unknown]>([
    ['an instance that is no text', { ...use(1), instance: 7 }],
    ['a version that is no text', { ...use(1), version: null }],
    ['a time that is text', { ...use(1), at: '1' }],
    ['a time with a fraction', { ...use(1), at: 1.5 }],
    ['a time beyond the safe integers', { ...use(1), at: 2 ** 53 }],
    ['nothing', {}],
    ['`null`', null],
    ['a list', [1]],
  ])('is none with %s', (_, value) => {
    expect(parseUse(JSON.stringify(value))).toBeUndefined();
  });

  it.each(['', '{"instance":', 'a'])('is none where it is damaged: %j', (text) => {
    expect(parseUse(text)).toBeUndefined();
  });
});
