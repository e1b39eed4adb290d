import { pipeline } from 'node:stream/promises';
import { constants, createGunzip } from 'node:zlib';
import { ByteReader } from './byte-reader.js';
import { ContentScanner, type Hit } from './content-scanner.js';

/** Events of a running scan. Paths are bytes, as file systems have them. */
export interface ScanEvents {
  onHit(path: Buffer, hit: Hit): void;
  /** Something that could not be read, or not to its end. */
  onUnread(path: Buffer, reason: string): void;
  /** Something compressed that is searched as it is, because it cannot be unpacked. */
  onUnopened(path: Buffer): void;
}

/** Two archives inside each other, each of them compressed. */
const MAX_DEPTH = 4;
/** Limits of unpacking: so many bytes, or so many times the packed size, whichever is more. */
const MAX_UNPACKED = 2 ** 30;
const MAX_RATIO = 200;
const BLOCK = 512;
/** Longest name of a file in an archive. */
const MAX_NAME = 65_536;
const CHECKSUM = { from: 148, to: 156 };
const SPACE = 0x20;

class UnpackedTooLargeError extends Error {}

/** Searches contents, and what is packed in them with gzip and tar. */
export class Unpacker {
  readonly #outermost: ContentScanner;
  readonly #scanners: ContentScanner[];
  readonly #events: ScanEvents;
  #packed = 0;
  #unpacked = 0;

  constructor(scanner: ContentScanner, events: ScanEvents) {
    this.#outermost = scanner;
    this.#scanners = [scanner];
    this.#events = events;
  }

  /** Searches a content, however long. */
  async scan(source: AsyncIterable<Uint8Array>, path: Buffer): Promise<void> {
    this.#packed = this.#unpacked = 0;
    try {
      await this.#scanContent(source, path, 0);
    } catch (error) {
      if (!(error instanceof UnpackedTooLargeError)) throw error;
      this.#events.onUnread(path, `unpacks to more than ${String(MAX_RATIO)} times its size`);
    }
  }

  /** Zeroes what was read. */
  clear(): void {
    for (const scanner of this.#scanners) scanner.clear();
  }

  async #scanContent(source: AsyncIterable<Uint8Array>, path: Buffer, depth: number): Promise<void> {
    const reader = new ByteReader(this.#count(source, depth));
    const scanner = (this.#scanners[depth] ??= new ContentScanner(this.#outermost.matcher, this.#outermost));
    scanner.begin((hit) => this.#events.onHit(path, hit));
    try {
      const head = await reader.peek(BLOCK);
      if (depth < MAX_DEPTH && isGzip(head)) await this.#scanGzip(reader, scanner, path, depth);
      else if (depth < MAX_DEPTH && isTarHeader(head)) await this.#scanTar(reader, scanner, path, depth);
      else if (isPacked(head) || isUnopened(head, path)) this.#events.onUnopened(path);
      for await (const chunk of reader.take(Infinity)) scanner.write(chunk);
    } finally {
      scanner.finish();
    }
  }

  async *#count(source: AsyncIterable<Uint8Array>, depth: number): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      if (depth === 0) this.#packed += chunk.length;
      yield chunk;
    }
  }

  /** Searches what gzip packed. The packed bytes are searched as well: a header has names, and a file may go on behind it. */
  async #scanGzip(reader: ByteReader, scanner: ContentScanner, path: Buffer, depth: number): Promise<void> {
    const readPacked = async function* (): AsyncGenerator<Uint8Array> {
      for await (const chunk of reader.take(Infinity)) {
        scanner.write(chunk);
        yield Buffer.from(chunk);
      }
    };
    // An end that is missing is no error: what there is is read.
    const gunzip = createGunzip({ chunkSize: 65_536, finishFlush: constants.Z_SYNC_FLUSH });
    try {
      await pipeline(readPacked(), gunzip, async (chunks: AsyncIterable<Uint8Array>) =>
        this.#scanContent(this.#limit(chunks), joinPath(path, nameUnpacked(path)), depth + 1),
      );
    } catch (error) {
      if (!String((error as NodeJS.ErrnoException).code).startsWith('Z_')) throw error;
      this.#events.onUnread(path, 'is not intact gzip');
    }
  }

  async *#limit(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      this.#unpacked += chunk.length;
      if (this.#unpacked > MAX_UNPACKED && this.#unpacked > MAX_RATIO * this.#packed) throw new UnpackedTooLargeError();
      yield chunk;
    }
  }

  /** Searches the files of a tar archive by themselves, and what is between them, until something else than a header comes. */
  async #scanTar(reader: ByteReader, scanner: ContentScanner, path: Buffer, depth: number): Promise<void> {
    let longName: Buffer | undefined;
    while (isTarHeader(await reader.peek(BLOCK))) {
      const header = Buffer.from(await reader.read(BLOCK));
      scanner.write(header);
      const size = readSize(header);
      const type = String.fromCharCode(header[156] as number);
      if ((type === 'L' || type === 'x') && size <= MAX_NAME) {
        const data = await reader.read(size);
        scanner.write(data);
        longName = type === 'L' ? trimZeros(Buffer.from(data)) : (findPaxPath(data) ?? longName);
      } else {
        const [prefix, name] = [trimZeros(header.subarray(345, 500)), trimZeros(header.subarray(0, 100))];
        const ownName = prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from('/'), name]);
        if (size > 0) await this.#scanContent(reader.take(size), joinPath(path, longName ?? ownName), depth + 1);
        longName = undefined;
      }
      scanner.write(await reader.read((BLOCK - (size % BLOCK)) % BLOCK));
    }
  }
}

/** Returns whether bytes begin as gzip or tar do, so that they are to be unpacked. */
export function isPacked(head: Uint8Array): boolean {
  return isGzip(head) || isTarHeader(head);
}

/** The first bytes of zip, 7z, rar, xz, zstd and lz4, as latin1; bzip2 has a digit among them. */
const UNOPENED: readonly string[] = [
  'PK\x03\x04',
  "7z\xbc\xaf'\x1c",
  'Rar!\x1a\x07',
  '\xfd7zXZ\0',
  '(\xb5/\xfd',
  '\x04"M\x18',
];
const BZIP2 = /^BZh[1-9]1AY&SY/;

/** Returns whether a content is compressed in a way that is not unpacked here; brotli shows by the name alone. */
export function isUnopened(head: Uint8Array, path: Buffer): boolean {
  const start = Buffer.from(head.subarray(0, 10)).toString('latin1');
  const isKnown = UNOPENED.some((bytes) => start.startsWith(bytes)) || BZIP2.test(start);
  return isKnown || path.subarray(-3).toString() === '.br';
}

function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b && head[2] === 8;
}

function isTarHeader(head: Uint8Array): boolean {
  if (head.length < BLOCK || Buffer.from(head.subarray(257, 262)).toString('latin1') !== 'ustar') return false;
  let sum = 0;
  for (let at = 0; at < BLOCK; at++) sum += at >= CHECKSUM.from && at < CHECKSUM.to ? SPACE : (head[at] as number);
  return readOctal(head.subarray(CHECKSUM.from, CHECKSUM.to)) === sum;
}

/** Reads the size of a file: octal, or a binary number where that is too long. */
function readSize(header: Buffer): number {
  if ((header[124] as number) < 0x80) return readOctal(header.subarray(124, 136));
  return header.readUIntBE(130, 6);
}

function readOctal(digits: Uint8Array): number {
  let value = 0;
  for (const code of digits) if (code >= 0x30 && code <= 0x37) value = value * 8 + code - 0x30;
  return value;
}

function trimZeros(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

/** Finds the name in an extended header of records such as `30 path=long/name`. */
function findPaxPath(data: Buffer): Buffer | undefined {
  for (let at = 0; at < data.length;) {
    const space = data.indexOf(SPACE, at);
    const length = space < 0 ? 0 : Number(data.toString('latin1', at, space));
    if (!Number.isInteger(length) || length < 1) return undefined;
    const record = data.subarray(space + 1, at + length - 1);
    if (record.toString('latin1', 0, 5) === 'path=') return Buffer.from(record.subarray(5));
    at += length;
  }
  return undefined;
}

/** Returns the name of what a file packs: its own without the ending. */
function nameUnpacked(path: Buffer): Buffer {
  const name = path.subarray(Math.max(path.lastIndexOf('/'), path.lastIndexOf('!')) + 1).toString('latin1');
  if (name.endsWith('.tgz')) return Buffer.from(`${name.slice(0, -4)}.tar`, 'latin1');
  return Buffer.from(name.endsWith('.gz') ? name.slice(0, -3) : 'content', 'latin1');
}

function joinPath(path: Buffer, inner: Buffer): Buffer {
  return Buffer.concat([path, Buffer.from('!'), inner]);
}
