import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { CliIo } from '../../src/cli/io.js';
import { clearSpinner, showProgress } from '../../src/cli/spinner.js';
import { manualClock } from '../../src/testing/index.js';

const CLEAR = '\r\u001B[K';

function scene({ isTTY = true, env = {} }: { isTTY?: boolean; env?: Record<string, string> } = {}) {
  const clock = manualClock();
  const printed: string[] = [];
  const stderr = Object.assign(new PassThrough(), { isTTY });
  stderr.on('data', (chunk: Buffer) => printed.push(chunk.toString()));
  const io: CliIo = { stdin: new PassThrough(), stdout: new PassThrough(), stderr, env, clock };
  let end: (value: number) => void = () => undefined;
  const work = new Promise<number>((resolve) => (end = resolve));
  return { clock, io, printed, end, shown: showProgress(io, 'decrypting', work) };
}

describe('the spinner', () => {
  it('shows after half a second on a terminal, turns, and is gone at the end', async () => {
    const { clock, printed, end, shown } = scene();
    await clock.advance(499);
    expect(printed.join('')).toBe('');
    await clock.advance(1);
    expect(printed.join('')).toBe(`${CLEAR}- decrypting`);
    await clock.advance(120);
    expect(printed.join('')).toContain(`${CLEAR}\\ decrypting`);
    end(7);

    expect(await shown).toBe(7);
    expect(printed.join('').endsWith(CLEAR)).toBe(true);
    const count = printed.length;
    await clock.advance(10_000);
    expect(printed).toHaveLength(count);
  });

  it('never shows when the work ends sooner', async () => {
    const { clock, printed, end, shown } = scene();
    end(7);
    await shown;
    await clock.advance(10_000);

    expect(printed.join('')).toBe('');
  });

  it.each([{ isTTY: false }, { env: { TERM: 'dumb' } }])('never shows with %j', async (options) => {
    const { clock, printed, end, shown } = scene(options);
    await clock.advance(10_000);
    end(7);

    expect([await shown, printed.join('')]).toEqual([7, '']);
  });

  it('makes way for a prompt or a message, and does not come back', async () => {
    const { clock, io, printed, end, shown } = scene();
    await clock.advance(500);
    clearSpinner(io);
    const count = printed.length;
    await clock.advance(10_000);
    end(7);
    await shown;

    expect(printed).toHaveLength(count);
    expect(printed.at(-1)).toBe(CLEAR);
  });
});
