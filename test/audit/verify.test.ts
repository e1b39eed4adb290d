import { createHash } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { audit, toEcs, toOcsf, verifyAudit, type AuditOptions } from '../../src/audit/index.js';
import { setUp } from '../core/helpers.js';
import { each, MemorySink, setUpAudit } from './scene.js';

const CHAIN_KEY = new TextEncoder().encode('a chain key of thirty-two bytes!');

/** Twelve records of a log that has been closed. */
async function writeLog(options: AuditOptions = {}): Promise<string[]> {
  const { gold, clock, sink, log } = setUpAudit({ usageInterval: 1_000, ...options });
  for (let round = 0; round < 8; round++) {
    await gold.getPrice();
    await clock.advance(1_000);
  }
  await log.close();
  return sink.lines;
}

const verify = (lines: readonly string[], chainKey?: Uint8Array) => verifyAudit(each(lines), { chainKey });

/** Writes a log that goes on in another file, whose first record is the one at `cut`. */
async function rotateLog(): Promise<{ sink: ReturnType<typeof setUpAudit>['sink']; cut: number }> {
  const { gold, sink, log } = setUpAudit();
  Object.assign(sink, { reopen: () => Promise.resolve() });
  await gold.getPrice();
  await log.flush();
  await log.reopen();
  await gold.getPrice();
  await log.close();
  return { sink, cut: sink.records.findLastIndex(({ event }) => event === 'opened') };
}

describe('the chain', () => {
  it('each record names the SHA-256 of the line before it, the first that of nothing', async () => {
    const lines = await writeLog();
    const hash = (line: string): string => createHash('sha256').update(line).digest('base64url');

    expect(lines.length).toBe(12);
    expect(lines.map((line) => (JSON.parse(line) as { prev: string }).prev)).toEqual(
      ['', ...lines.slice(0, -1)].map(hash),
    );
    expect(await verify(lines)).toEqual({ records: 12, ok: true });
    expect(await verify(lines.flatMap((line) => [`${line}\n`, '']))).toEqual({ records: 12, ok: true });
    expect(await verify([])).toEqual({ records: 0, ok: true });
  });

  it('a byte that was changed breaks it, at that line, wherever the byte is', async () => {
    const lines = await writeLog();
    const [, , line = ''] = lines;
    for (let at = 0; at < line.length; at++) {
      const changed = lines.with(2, `${line.slice(0, at)}${line[at] === '1' ? '2' : '1'}${line.slice(at + 1)}`);
      expect(await verify(changed), changed[2]).toEqual({ records: 12, ok: false, brokenAt: 3 });
    }
  });

  it.each([0, 1, 5, 9])('line %i removed breaks it there', async (index) => {
    const lines = await writeLog();
    expect(await verify(lines.toSpliced(index, 1))).toEqual({ records: 11, ok: false, brokenAt: index + 1 });
  });

  it('two lines swapped, one written twice, one added, and all but the last cut in two break it', async () => {
    const lines = await writeLog();
    const [a = '', b = '', c = ''] = lines.slice(3, 6);
    expect(await verify(lines.toSpliced(3, 2, b, a))).toMatchObject({ ok: false, brokenAt: 4 });
    expect(await verify(lines.toSpliced(4, 0, a))).toMatchObject({ ok: false, brokenAt: 5 });
    expect(await verify(lines.toSpliced(6, 0, c.replace('key.used', 'key.made')))).toMatchObject({ ok: false });
    expect(await verify(lines.with(3, a.slice(0, 50)))).toMatchObject({ ok: false, brokenAt: 4 });
    expect(await verify(lines.with(11, (lines[11] as string).slice(0, -1)))).toMatchObject({ brokenAt: 12 });
  });

  it('a log without a chain, and lines that are no records, cannot be verified', async () => {
    expect(await verify(await writeLog({ chain: false }))).toMatchObject({ ok: false, brokenAt: 1 });
    for (const line of ['null', '[]', '7', '"text"', '{}', 'not JSON', '{"prev":7,"seq":1}']) {
      expect(await verify([line]), line).toEqual({ records: 1, ok: false, brokenAt: 1 });
    }
  });

  it('it holds in a file that an editor of Windows saved: with a byte order mark, CRLF and empty lines', async () => {
    const lines = await writeLog();
    const saved = lines.flatMap((line) => [`${line}\r\n`, '\r\n']);
    expect(await verify(saved.with(0, `\uFEFF${saved[0] ?? ''}`))).toEqual({ records: 12, ok: true });
  });

  it.each([toOcsf, toEcs])('it holds in the form of %o too', async (format) => {
    const lines = await writeLog({ format, chainKey: CHAIN_KEY });
    expect(await verify(lines, CHAIN_KEY)).toEqual({ records: 12, ok: true });
    const changed = (lines[4] as string).replace('gold', 'lead');
    expect(await verify(lines.with(4, changed))).toMatchObject({ ok: false, brokenAt: 5 });
  });

  it('a part of a rotated log that begins with its `opened` record can be verified alone', async () => {
    const { sink, cut } = await rotateLog();

    expect(sink.records[cut - 1]?.event).toBe('checkpoint');
    expect(await verify(sink.lines)).toMatchObject({ ok: true });
    expect(await verify(sink.lines.slice(cut))).toMatchObject({ ok: true });
    expect(await verify(sink.lines.slice(cut + 1))).toMatchObject({ ok: false, brokenAt: 1 });
  });
});

describe('runs of a process', () => {
  it('one that is there twice breaks the chain, with a key too', async () => {
    const lines = await writeLog({ chainKey: CHAIN_KEY });
    const other = await writeLog({ chainKey: CHAIN_KEY });
    expect(await verify([...lines, ...other], CHAIN_KEY)).toEqual({ records: 24, ok: true });
    expect(await verify([...lines, ...lines], CHAIN_KEY)).toEqual({ records: 24, ok: false, brokenAt: 13 });
    expect(await verify([...lines, ...other, ...lines])).toEqual({ records: 36, ok: false, brokenAt: 25 });
  });

  it('files given with the newest first break the chain where the older line comes', async () => {
    const { sink, cut } = await rotateLog();
    const files = [sink.lines.slice(cut), sink.lines.slice(0, cut)];

    expect(await verify(files.toReversed().flat())).toMatchObject({ ok: true });
    expect(await verify(files.flat())).toEqual({ records: sink.lines.length, ok: false, brokenAt: sink.lines.length });
  });
});

describe('checkpoints', () => {
  it('come after a hundred records or five minutes, and close a log', async () => {
    const { gold, clock, sink, log } = setUpAudit({ usageInterval: 1_000 }, { ttl: 2_147_483_647, refreshAhead: 0 });
    for (let round = 0; round < 250; round++) {
      await gold.getPrice();
      await clock.advance(1_000);
    }
    await log.flush();
    expect(sink.find('checkpoint').length).toBe(2);
    await clock.advance(300_000);
    await gold.getPrice();
    await clock.advance(1_000);
    await log.flush();
    expect(sink.find('checkpoint').length).toBe(3);
    await log.close();
    expect(sink.records.at(-1)).toMatchObject({ event: 'checkpoint', client: 'goldkey/audit' });
    expect(sink.records.at(-1)).not.toHaveProperty('mac');
  });

  it('show lines cut off at the end, to whoever has the key', async () => {
    const lines = await writeLog({ chainKey: CHAIN_KEY });

    expect(JSON.parse(lines.at(-1) as string)).toHaveProperty('mac', expect.stringMatching(/^[\w-]{43}$/));
    expect(await verify(lines, CHAIN_KEY)).toEqual({ records: 12, ok: true });
    for (let length = 1; length < lines.length; length++) {
      expect(await verify(lines.slice(0, length), CHAIN_KEY), String(length)).toMatchObject({ ok: false });
      expect(await verify(lines.slice(0, length))).toMatchObject({ ok: true });
    }
  });

  it('with another key, a changed line or no `mac` are wrong', async () => {
    const lines = await writeLog({ chainKey: CHAIN_KEY });
    const last = lines.at(-1) as string;
    const { mac, ...rest } = JSON.parse(last) as { mac: string };

    expect(await verify(lines, new Uint8Array(32))).toMatchObject({ ok: false, brokenAt: 12 });
    expect(await verify(lines.with(11, last.replace('goldkey/audit', 'goldkey/aud1t')), CHAIN_KEY)).toMatchObject({
      brokenAt: 12,
    });
    expect(await verify(lines.with(11, JSON.stringify({ ...rest, mac: mac.slice(1) })), CHAIN_KEY)).toMatchObject({
      brokenAt: 12,
    });
    expect(await verify(lines.with(11, JSON.stringify(rest)), CHAIN_KEY)).toMatchObject({ ok: false, brokenAt: 12 });
    expect(await verify(await writeLog(), CHAIN_KEY)).toMatchObject({ ok: false });
    await expect(verifyAudit(each([]), { key: CHAIN_KEY } as never)).rejects.toThrow(/no option `key`/);
  });

  it('a running log verifies after flush()', async () => {
    const { gold, sink, log } = setUpAudit({ chainKey: CHAIN_KEY });
    await gold.getPrice();
    await log.flush();
    await log.flush();

    expect(await verify(sink.lines, CHAIN_KEY)).toEqual({ records: 4, ok: true });
    expect(sink.find('checkpoint')).toHaveLength(1);
  });

  it('the chain key is copied', async () => {
    const key = Uint8Array.from(CHAIN_KEY);
    const { sink, log } = setUpAudit({ chainKey: key });
    key.fill(0);
    await log.close();
    expect(await verify(sink.lines, CHAIN_KEY)).toMatchObject({ ok: true });
  });
});

describe('two writers in one place', () => {
  it('each may begin a new file with lines that name the old one', async () => {
    const sink = Object.assign(new MemorySink(), { reopen: () => Promise.resolve() });
    const scenes = [setUp({ name: 'one' }), setUp({ name: 'two' })];
    const logs = scenes.map(({ gold }) => audit(gold, sink));
    for (const log of logs) await log.flush();
    // As if it were another process.
    const pid = vi.spyOn(process, 'pid', 'get');
    for (const [index, log] of logs.entries()) {
      pid.mockReturnValue(1_000 + index);
      await log.flush();
      await log.reopen();
      await scenes[index]?.gold.getPrice();
      await log.close();
    }
    pid.mockRestore();
    const opened = sink.lines.flatMap((line, index) => (line.includes('"opened"') ? [index] : []));
    expect(opened).toHaveLength(4);
    const [, , first = 0, second = 0] = opened;

    // Of the second writer the new file has nothing before its `opened`.
    const newFile = [...sink.lines.slice(first, second - 1), ...sink.lines.slice(second)];
    expect(await verify(newFile)).toMatchObject({ ok: true });
    const cut = sink.lines.slice(second + 1);
    expect(await verify([...sink.lines.slice(first, second - 1), ...cut])).toMatchObject({ ok: false });
  });

  it('the next run of a process that was killed vouches for its last line', async () => {
    const sink = new MemorySink();
    const read = () => Promise.resolve(sink.lines.length === 0 ? undefined : Buffer.from(sink.lines.at(-1) as string));
    Object.assign(sink, { [Symbol.for('goldkey.audit.readLastLine')]: read });
    const killed = setUp();
    audit(killed.gold, sink, { chainKey: CHAIN_KEY });
    await killed.gold.getPrice();
    await expect.poll(() => sink.lines.length).toBe(2);
    expect(await verify(sink.lines, CHAIN_KEY)).toMatchObject({ ok: false, brokenAt: 2 });

    const next = audit(setUp().gold, sink, { chainKey: CHAIN_KEY });
    await next.close();
    expect(await verify(sink.lines, CHAIN_KEY)).toEqual({ records: 5, ok: true });
    expect(await verify(sink.lines.toSpliced(1, 1), CHAIN_KEY)).toMatchObject({ ok: false, brokenAt: 2 });
  });

  it('each has a chain that holds, whatever the order of their lines', async () => {
    const sink = new MemorySink();
    const scenes = [setUp({ name: 'one' }), setUp({ name: 'two' })];
    const logs = scenes.map(({ gold }) => audit(gold, sink, { chainKey: CHAIN_KEY }));
    for (let round = 0; round < 5; round++) {
      for (const { gold } of scenes) {
        await gold.getPrice();
        gold.evict();
      }
      for (const { clock } of scenes) await clock.advance(2_000);
    }
    for (const log of logs) await log.close();

    expect(await verify(sink.lines, CHAIN_KEY)).toEqual({ records: sink.lines.length, ok: true });
    for (let index = 2; index < sink.lines.length - 2; index++) {
      expect(await verify(sink.lines.toSpliced(index, 1), CHAIN_KEY), String(index)).toMatchObject({ ok: false });
    }
  });
});
