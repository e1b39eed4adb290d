import { raceAbort } from '../../../src/core/index.js';
import { describe, expect, it } from 'vitest';
import { failure } from '../../providers/loading.js';

describe('raceAbort', () => {
  it('is the work itself when nothing can abort it', async () => {
    const work = Promise.resolve(7);
    expect(raceAbort(work, undefined)).toBe(work);
    expect(await raceAbort(work, new AbortController().signal)).toBe(7);
  });

  it('passes an error on', async () => {
    const work = Promise.reject(new Error('failed'));
    expect(await failure(raceAbort(work, new AbortController().signal))).toMatchObject({ message: 'failed' });
  });

  it('ends with the reason of the signal, before and during the work', async () => {
    const controller = new AbortController();
    const waiting = failure(raceAbort(new Promise(() => undefined), controller.signal));
    controller.abort('enough');

    expect(await waiting).toBe('enough');
    expect(await failure(raceAbort(Promise.resolve(7), controller.signal))).toBe('enough');
  });

  it('ends with the signal also after other work with that signal is done', async () => {
    const controller = new AbortController();
    const waiting = failure(raceAbort(new Promise(() => undefined), controller.signal));
    await raceAbort(Promise.resolve(7), controller.signal);
    controller.abort('enough');

    expect(await waiting).toBe('enough');
  });

  it('gives what comes too late to `discard`, and swallows a late error', async () => {
    const late: number[] = [];
    const signal = AbortSignal.abort('enough');

    await failure(raceAbort(Promise.resolve(7), signal, (value) => late.push(value)));
    await failure(raceAbort<number>(Promise.reject(new Error('late')), signal, (value) => late.push(value)));

    expect(late).toEqual([7]);
  });
});
