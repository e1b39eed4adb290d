import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

const PIECE = 1_048_576;
/** Length of the pieces: the beginning of what is freed is overwritten at once. */
const WINDOW = 16;

/** The pieces that are looked for of one form. */
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

/** Lists the forms of a key, and those of the master key it was encrypted under, by name, each as pieces of 16 bytes. */
export function listForms(key: string, masterKey: Buffer): Map<string, Buffer[]> {
  const base64 = encodeBase64(Buffer.from(key));
  const forms = {
    raw: [Buffer.from(key)],
    'UTF-16': [Buffer.from(key, 'utf16le')],
    base64,
    'base64 as UTF-16': base64.map((encoded) => Buffer.from(encoded.toString(), 'utf16le')),
    hex: [Buffer.from(Buffer.from(key).toString('hex'))],
    'percent-encoded': [Buffer.from(encodeURIComponent(key))],
    'master key': [masterKey],
    'base64 of the master key': encodeBase64(masterKey).slice(0, 1),
  };
  return new Map(Object.entries(forms).map(([form, found]) => [form, found.flatMap(cut)]));
}

/**
 * Searches what a child process may read of its own memory and shares with no file: heap, stack, anonymous mappings, and
 * the data of its program. Returns the number of hits of each form that was found.
 */
export function searchMemory(pid: number, forms: ReadonlyMap<string, readonly Buffer[]>): Record<string, number> {
  const hits: Record<string, number> = {};
  const memory = openSync(`/proc/${String(pid)}/mem`, 'r');
  try {
    for (const mapping of readFileSync(`/proc/${String(pid)}/smaps`, 'utf8').split(/\n(?=[\da-f]+-[\da-f]+ )/)) {
      const [line = ''] = mapping.split('\n');
      const [range = '', mode = '', , , inode] = line.split(/ +/);
      // Reserved, and never written to.
      if (/^Rss: +0 kB$/m.test(mapping) && /^Swap: +0 kB$/m.test(mapping)) continue;
      const isPrivate = mode.startsWith('r') && mode.endsWith('p') && (inode === '0' || mode[1] === 'w');
      if (!isPrivate || /\[v(?:var|sys|dso)/.test(line)) continue;
      const [start = 0, end = 0] = range.split('-').map((address) => Number.parseInt(address, 16));
      for (let at = start; at < end; at += PIECE) {
        const content = read(memory, at, Math.min(PIECE + 4 * WINDOW, end - at));
        for (const [form, parts] of forms) {
          for (const part of parts) {
            const found = countHits(content, part);
            if (found > 0) hits[form] = (hits[form] ?? 0) + found;
          }
        }
      }
    }
  } finally {
    closeSync(memory);
  }
  return hits;
}

/** Reads as far as there is memory: a mapping may shrink meanwhile, or hold pages that nothing may read. */
function read(memory: number, at: number, length: number): Buffer {
  const content = Buffer.alloc(length);
  try {
    return content.subarray(0, readSync(memory, content, 0, length, at));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error;
    return content.subarray(0, 0);
  }
}

function countHits(content: Buffer, part: Buffer): number {
  let count = 0;
  for (let at = content.indexOf(part); at >= 0; at = content.indexOf(part, at + 1)) count++;
  return count;
}
