import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';

const PIECE = 1_048_576;
const PAGE = 4_096;
/** Length of the parts of a form that are looked for: the beginning of what is freed is overwritten at once. */
const WINDOW = 16;
const OVERLAP = WINDOW - 1;
/** The largest share of the memory that a search may leave unread. */
const MAX_UNREAD = 0.01;

/** The parts of each form of a secret, by the form's name. */
export type Forms = ReadonlyMap<string, readonly Buffer[]>;
/** Addresses of memory: the first, and the one behind the last. */
export type Range = readonly [start: number, end: number];

/** What a search found: the hits of each form that was found, and how many bytes it read, and could not read. */
export interface Findings {
  readonly hits: Record<string, number>;
  readonly read: number;
  readonly unread: number;
}

/** The beginning, the middle and the end of a form. */
function cut(form: Buffer): Buffer[] {
  const middle = (form.length - WINDOW) >> 1;
  return [0, middle - (middle % 2), form.length - WINDOW].map((from) => form.subarray(from, from + WINDOW));
}

/** The base64 of a secret at each place in a group of three, without the digits that depend on its neighbours. */
function encodeBase64(secret: Buffer): Buffer[] {
  return [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), secret]).toString('base64');
    return Buffer.from(encoded.slice(before === 0 ? 0 : 4, -4));
  });
}

/**
 * Lists the forms of a key that `encodeURIComponent` changes, and those of the master key it was encrypted under, by name.
 */
export function listForms(key: string, masterKey: Buffer): Forms {
  const base64 = encodeBase64(Buffer.from(key));
  const encoded = encodeURIComponent(key);
  // The parts without an escape are the raw key's.
  const escapes = [encoded.indexOf('%'), encoded.lastIndexOf('%')].map((at) => at - 4);
  return new Map([
    ['raw', cut(Buffer.from(key))],
    ['UTF-16', cut(Buffer.from(key, 'utf16le'))],
    ['base64', base64.flatMap(cut)],
    ['base64 as UTF-16', base64.flatMap((digits) => cut(Buffer.from(digits.toString(), 'utf16le')))],
    ['hex', cut(Buffer.from(Buffer.from(key).toString('hex')))],
    ['percent-encoded', escapes.map((from) => Buffer.from(encoded.slice(from, from + WINDOW)))],
    ['master key', cut(masterKey)],
    ['base64 of the master key', encodeBase64(masterKey).slice(0, 1).flatMap(cut)],
  ]);
}

/**
 * Searches what a child process may read of its own memory and shares with no file: heap, stack, anonymous mappings, and
 * the data of its program. The process stands still meanwhile. Returns the number of hits of each form that was found.
 */
export function searchMemory(child: ChildProcess, forms: Forms): Record<string, number> {
  const folder = `/proc/${String(child.pid)}`;
  const memory = openSync(`${folder}/mem`, 'r');
  try {
    child.kill('SIGSTOP');
    waitUntilStopped(folder);
    const read = (into: Buffer, at: number): number => readSync(memory, into, 0, into.length, at);
    return requireRead(searchRanges(listRanges(folder), read, forms));
  } finally {
    child.kill('SIGCONT');
    closeSync(memory);
  }
}

/** Waits, at most ten seconds, until every thread has stopped: one that runs may give memory back that is to be read. */
function waitUntilStopped(folder: string): void {
  const isStopped = (thread: string): boolean =>
    /^State:\tT/m.test(readFileSync(`${folder}/task/${thread}/status`, 'utf8'));
  for (let tries = 0; tries < 1_000; tries++) {
    if (readdirSync(`${folder}/task`).every(isStopped)) return;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  }
  throw new Error('The process did not stop.');
}

/**
 * Returns the hits of a search that read nearly everything.
 *
 * @throws {Error} if it read nothing, or more than 1 % could not be read: what it did not find may be there
 */
export function requireRead({ hits, read, unread }: Findings): Record<string, number> {
  if (unread < (read + unread) * MAX_UNREAD) return hits;
  throw new Error(`Of ${String(read + unread)} bytes of memory ${String(unread)} could not be read.`);
}

/** Searches ranges piece by piece. Behind an address that cannot be read it goes on with the next page. */
export function searchRanges(
  ranges: readonly Range[],
  read: (into: Buffer, at: number) => number,
  forms: Forms,
): Findings {
  const hits: Record<string, number> = {};
  const total = { read: 0, unread: 0 };
  const room = Buffer.alloc(OVERLAP + PIECE);
  for (const [start, end] of ranges) {
    // The last bytes of the piece before: a part may lie across both.
    let carried = 0;
    for (let at = start; at < end;) {
      const length = readFrom(read, room.subarray(carried, carried + Math.min(PIECE, end - at)), at);
      if (length === 0) {
        const next = Math.min(end, at - (at % PAGE) + PAGE);
        total.unread += next - at;
        [at, carried] = [next, 0];
        continue;
      }
      const content = room.subarray(0, carried + length);
      countHits(content, forms, hits);
      carried = Math.min(OVERLAP, content.length);
      content.copy(room, 0, content.length - carried);
      at += length;
      total.read += length;
    }
  }
  return { hits, ...total };
}

/** Returns how many bytes were read: fewer than there is room where a page cannot be read, and none from such a page on. */
function readFrom(read: (into: Buffer, at: number) => number, into: Buffer, at: number): number {
  try {
    return read(into, at);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error;
    return 0;
  }
}

function countHits(content: Buffer, forms: Forms, hits: Record<string, number>): void {
  for (const [form, parts] of forms) {
    for (const part of parts) {
      for (let at = content.indexOf(part); at >= 0; at = content.indexOf(part, at + 1)) {
        hits[form] = (hits[form] ?? 0) + 1;
      }
    }
  }
}

/** Lists the ranges that a process has written to, and shares with no file. */
function listRanges(folder: string): Range[] {
  const ranges: Range[] = [];
  for (const mapping of readFileSync(`${folder}/smaps`, 'utf8').split(/\n(?=[\da-f]+-[\da-f]+ )/)) {
    const [line = ''] = mapping.split('\n');
    const [range = '', mode = '', , , inode] = line.split(/ +/);
    // Reserved, and never written to.
    if (/^Rss: +0 kB$/m.test(mapping) && /^Swap: +0 kB$/m.test(mapping)) continue;
    const isPrivate = mode.startsWith('r') && mode.endsWith('p') && (inode === '0' || mode[1] === 'w');
    if (!isPrivate || /\[v(?:var|sys|dso)/.test(line)) continue;
    const [start = 0, end = 0] = range.split('-').map((address) => Number.parseInt(address, 16));
    ranges.push([start, end]);
  }
  return ranges;
}
