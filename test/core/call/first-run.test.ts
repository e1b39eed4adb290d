import { describe, expect, it, vi } from 'vitest';
import { handleFirstRun } from '../../../src/core/call/first-run.js';

/** What a call was told, in order. */
type Told = Array<['result' | 'error', unknown]>;

/** A call that writes down what it is told. */
function makeCall(told: Told): Parameters<typeof handleFirstRun>[1] {
  return {
    onFirstResult: (result) => void told.push(['result', result]),
    onFirstError: (error) => void told.push(['error', error]),
  };
}

function setThen(then: Promise<unknown>['then']): void {
  // oxlint-disable-next-line unicorn/no-thenable, no-extend-native -- what it is about
  Promise.prototype.then = then;
}

/** A promise of somebody's own kind. */
class OwnPromise extends Promise<string> {}

describe("a promise of the language's own", () => {
  it('tells its result, once', async () => {
    const told: Told = [];

    const isHandled = handleFirstRun(Promise.resolve('price'), makeCall(told));
    const before = [...told];
    await Promise.resolve();

    expect(isHandled).toBe(true);
    expect(before).toEqual([]);
    expect(told).toEqual([['result', 'price']]);
  });

  it('tells its error, once', async () => {
    const told: Told = [];

    const isHandled = handleFirstRun(Promise.reject(new Error('no price')), makeCall(told));
    await Promise.resolve();

    expect(isHandled).toBe(true);
    expect(told).toEqual([['error', new Error('no price')]]);
  });

  it('tells its own call alone, among hundreds that end at once, time and again', async () => {
    for (let round = 0; round < 3; round++) {
      const all: Told[] = Array.from({ length: 400 }, () => []);

      for (const [index, told] of all.entries())
        handleFirstRun(index % 2 === 0 ? Promise.resolve(index) : Promise.reject(index as never), makeCall(told));
      await Promise.resolve();

      expect(all).toEqual(Array.from({ length: 400 }, (_, index) => [[index % 2 === 0 ? 'result' : 'error', index]]));
    }
  });
});

describe('what listens to a promise', () => {
  it('listens to later ones too, and 256 are kept for them at most', async () => {
    const { then } = Promise.prototype;
    const listeners = new Set<unknown>();
    vi.resetModules();
    // The module takes the method as it is at load.
    setThen(function (this: Promise<unknown>, onResult: unknown, onError: unknown) {
      listeners.add(onResult);
      return then.call(this, onResult as never, onError as never);
    } as typeof then);
    const module = await import('../../../src/core/call/first-run.js').finally(() => setThen(then));
    listeners.clear();
    const counts: number[] = [];
    for (let round = 0; round < 3; round++) {
      for (let each = 0; each < 300; each++) module.handleFirstRun(Promise.resolve('price'), makeCall([]));
      await Promise.resolve();
      counts.push(listeners.size);
    }

    expect(counts).toEqual([300, 344, 388]);
  });
});

describe('anything else is left to `await`, untouched', () => {
  it.each<[string, () => unknown]>([
    ['a value', () => 'price'],
    ['nothing', () => undefined],
    // oxlint-disable-next-line unicorn/no-thenable -- what it is about
    ['a thenable', () => ({ then: () => undefined })],
    ["a promise of somebody's own kind", () => OwnPromise.resolve('price')],
    ['a promise with a constructor of its own', () => Object.assign(Promise.resolve(), { constructor: OwnPromise })],
    [
      'a promise whose constructor cannot be read',
      () =>
        Object.defineProperty(Promise.resolve(), 'constructor', {
          get: () => {
            throw new Error('no constructor');
          },
        }),
    ],
    ['what only looks like a promise', () => Object.create(Promise.prototype) as unknown],
    ['a proxy of a promise', () => new Proxy(Promise.resolve('price'), {})],
  ])('%s', async (_, make) => {
    const told: Told = [];

    const isHandled = handleFirstRun(make(), makeCall(told));
    await Promise.resolve();

    expect(isHandled).toBe(false);
    expect(told).toEqual([]);
  });

  it('and the next promise tells its own call', async () => {
    const lost: Told = [];
    const told: Told = [];

    handleFirstRun(Object.create(Promise.prototype), makeCall(lost));
    handleFirstRun(Promise.resolve('price'), makeCall(told));
    await Promise.resolve();

    expect([lost, told]).toEqual([[], [['result', 'price']]]);
  });
});
