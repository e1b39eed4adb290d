import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findSecret } from '../../../src/testing/assert-no-secret.js';
import { encoders, encodingFound, KEYS } from './encodings.js';
import { build, textOf, type Spec } from './graphs.js';
import { redactValue, scrub } from './helpers.js';
import { allLeaks, leaksInGraph } from './leaks.js';
import { errors, photograph } from './snapshot.js';

const printable = Array.from({ length: 0x7e - 0x20 }, (_none, index) => String.fromCharCode(0x21 + index));
const keys = fc.oneof(
  fc.constantFrom(...KEYS),
  fc.string({ unit: fc.constantFrom(...printable), minLength: 8, maxLength: 40 }),
  fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 8, maxLength: 12 }),
  fc.string({ unit: fc.constantFrom('%', '2', '5', '\\', 'u', '0'), minLength: 8, maxLength: 16 }),
);
const around = fc.string({ unit: fc.constantFrom(...' =&?/;:,"{}()-.xyz09'), maxLength: 12 });
const clean: fc.Arbitrary<Spec> = fc.oneof(
  around.map((text): Spec => ({ kind: 'text', before: text, encoding: undefined, after: '' })),
  fc.constantFrom<Spec>(
    { kind: 'number' },
    { kind: 'nothing' },
    { kind: 'date' },
    { kind: 'bigint' },
    { kind: 'empty' },
  ),
);
const planted: fc.Arbitrary<Spec> = fc
  .tuple(around, fc.constantFrom(...Object.keys(encoders)), around)
  .map(([before, encoding, after]): Spec => ({ kind: 'text', before, encoding, after }));

const kinds = [
  'object', 'bare', 'array', 'map', 'mapKey', 'set', 'error', 'aggregate', 'frozen', 'instance', 'getter', 'hidden',
  'symbol', 'name', 'buffer', 'bytes', 'url', 'query', 'headers', 'twice', 'cycle', 'inherits', 'listed', 'boxed',
] as const; // prettier-ignore
/** Those that hold it where `findSecret` does not look: in what a method tells, and beside bytes. */
const printing = ['printed', 'told', 'extra'] as const;

/** Random graphs; `leaf` is what hangs at their ends. */
const graphs = (leaf: fc.Arbitrary<Spec>, more: readonly (typeof printing)[number][] = []): fc.Arbitrary<Spec> =>
  fc.letrec<{ graph: Spec; node: Spec }>((tie) => ({
    graph: fc.oneof({ depthSize: 'small', withCrossShrink: true }, leaf, tie('node')),
    node: fc.record({ kind: fc.constantFrom(...kinds, ...more), items: fc.array(tie('graph'), { maxLength: 4 }) }),
  })).graph;

const leaves = fc.oneof({ arbitrary: clean, weight: 2 }, { arbitrary: planted, weight: 1 });
const silent = graphs(leaves);
const dirty = graphs(leaves, printing);
const runs = { numRuns: 400 };

describe('whatever graph a key hides in', () => {
  it('redactValue gives a copy without it and changes nothing', () => {
    fc.assert(
      fc.property(keys, dirty, (key, spec) => {
        const value = build(spec, key);
        const changes = photograph(value);
        const copy = redactValue(value, [key]);
        expect(allLeaks(copy, key)).toEqual([]);
        expect(changes()).toEqual([]);
      }),
      runs,
    );
  });

  it('scrub gives the same error without it and changes nothing but errors of the chain', () => {
    fc.assert(
      fc.property(keys, dirty, dirty, (key, spec, deeper) => {
        const extra = build(spec, key);
        const cause = Object.assign(new TypeError('below'), { extra: build(deeper, key) });
        const error = Object.assign(new Error(textOf(spec, key), { cause }), { extra });
        const changes = photograph([extra, cause.extra], (value) => errors(value) && value !== extra);
        const left = scrub(error, [key]) as typeof error;
        expect(left).toBe(error);
        expect(left.cause).toBe(cause);
        expect(allLeaks(left, key)).toEqual([]);
        expect(changes()).toEqual([]);
      }),
      runs,
    );
  });

  it('findSecret finds it where a walk over the graph does', () => {
    fc.assert(
      fc.property(fc.constantFrom(...KEYS), silent, (key, spec) => {
        const value = build(spec, key);
        expect(findSecret(value, key) !== undefined).toBe(leaksInGraph(value, key, 1).length > 0);
      }),
      runs,
    );
  });

  it('finds nothing more to do the second time', () => {
    fc.assert(
      fc.property(fc.constantFrom(...KEYS), dirty, (key, spec) => {
        const once = redactValue(build(spec, key), [key]);
        expect(redactValue(once, [key])).toBe(once);
        expect(allLeaks(once, key)).toEqual([]);
        expect(findSecret(once, key)).toBeUndefined();
      }),
      runs,
    );
  });
});

describe('whatever graph holds no key', () => {
  it('comes back as it is', () => {
    fc.assert(
      fc.property(fc.constantFrom(...KEYS), graphs(clean), (key, spec) => {
        const value = build(spec, key);
        const error = Object.assign(new Error('clean'), { value });
        const changes = photograph(error);
        expect(redactValue(value, [key])).toBe(value);
        expect(scrub(value, [key])).toBe(value);
        expect(scrub(error, [key])).toBe(error);
        expect(changes()).toEqual([]);
      }),
      runs,
    );
  });
});

describe('whatever text a key hides in', () => {
  it('loses it and keeps its other words', () => {
    fc.assert(
      fc.property(keys, fc.array(fc.constantFrom(...Object.keys(encoders)), { maxLength: 4 }), (key, names) => {
        const parts = names.map((name) => encoders[name]?.(key) ?? '');
        const text = ['begin', ...parts, 'end'].join(' <|> ');
        const copy = redactValue(text, [key]);
        expect(encodingFound(copy, key)).toBeUndefined();
        expect(copy.startsWith('begin <|> ')).toBe(true);
        expect(copy.endsWith(' <|> end')).toBe(true);
        expect(copy.split('[REDACTED]')).toHaveLength(parts.length + 1);
      }),
      { numRuns: 1_000 },
    );
  });
});
