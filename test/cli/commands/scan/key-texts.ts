import { gzipSync } from 'node:zlib';

const each = (key: string, write: (char: string, code: number, index: number) => string, between = ''): string =>
  Array.from(key, (char, index) => write(char, char.charCodeAt(0), index)).join(between);
const hexOf = (code: number, digits = 2): string => code.toString(16).padStart(digits, '0');
const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');
const wrap = (text: string, columns: number, newline: string): string =>
  Array.from({ length: Math.ceil(text.length / columns) }, (_, line) =>
    text.slice(line * columns, (line + 1) * columns),
  ).join(newline);
const bytesOf = (key: string): number[] => [...Buffer.from(key)];
const ENTITIES: Readonly<Record<string, string>> = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": 'apos' };

/** The ways in which a key may be written, by the form that a finding names. */
const TEXTS: Readonly<Record<string, ReadonlyArray<(key: string) => string>>> = {
  raw: [(key) => key],
  percent: [
    (key) => encodeURIComponent(`%${key}`).slice(3),
    (key) => encodeURIComponent(key).replaceAll(/%../g, (code) => code.toLowerCase()),
    (key) => new URLSearchParams({ key }).toString().slice(4),
    (key) => each(key, (_, code) => `%${hexOf(code)}`),
    (key) => each(key, (_, code) => `%${hexOf(code).toUpperCase()}`),
    (key) => encodeURIComponent(encodeURIComponent(key)),
  ],
  json: [
    (key) => JSON.stringify(key).slice(1, -1),
    (key) => key.replaceAll('/', '\\/').replaceAll('"', '\\"'),
    (key) => key.replaceAll(/[^a-z0-9]/gi, (char) => `\\u${hexOf(char.charCodeAt(0), 4)}`),
    (key) => each(key, (_, code) => `\\u${hexOf(code, 4).toUpperCase()}`),
    (key) => each(key, (_, code) => `\\x${hexOf(code)}`),
    (key) => JSON.stringify(JSON.stringify(key)).slice(3, -3),
  ],
  html: [
    (key) => key.replaceAll(/[&<>"']/g, (char) => `&${ENTITIES[char] ?? ''};`),
    (key) => each(key, (_, code) => `&#${String(code)};`),
    (key) => each(key, (_, code) => `&#x${hexOf(code).toUpperCase()};`),
    (key) => key.replaceAll(/[^a-z0-9]/gi, (char) => `&#x${hexOf(char.charCodeAt(0))};`),
  ],
  'quoted-printable': [
    (key) => key.replaceAll('=', '=3D').replaceAll('+', '=2B'),
    (key) => each(key, (_, code) => `=${hexOf(code).toUpperCase()}`),
    (key) => `${key.slice(0, 5)}=\r\n${key.slice(5)}`,
    (key) => `${key.slice(0, -5)}=\n${key.slice(-5)}`,
  ],
  base64: [0, 1, 2].flatMap((before) => [
    (key: string) => base64('x'.repeat(before) + key),
    (key: string) => base64(`${'y'.repeat(before + 3)}${key}zz`),
    ...[64, 76].flatMap((columns) =>
      ['\n', '\r\n', '\n    ', '\\n'].flatMap((newline) => [
        (key: string) => wrap(base64('x'.repeat(before + 36) + key + 'y'.repeat(50)), columns, newline),
        (key: string) => wrap(base64('x'.repeat(before + 48) + key + 'y'.repeat(50)), columns, newline),
      ]),
    ),
  ]),
  base64url: [0, 1, 2].map((before) => (key: string) => Buffer.from('x'.repeat(before) + key).toString('base64url')),
  'base64-twice': [0, 1, 2].flatMap((before) =>
    [0, 1, 2].map((outer) => (key: string) => base64('-'.repeat(outer) + base64('x'.repeat(before) + key))),
  ),
  'base64-utf-16le': [0, 1, 2].map(
    (before) => (key: string) => Buffer.from('x'.repeat(before) + key, 'utf16le').toString('base64'),
  ),
  hex: [(key) => Buffer.from(key).toString('hex'), (key) => Buffer.from(key).toString('hex').toUpperCase()],
  'byte-list': [
    (key) => each(key, (_, code) => hexOf(code), ' '),
    (key) => each(key, (_, code) => hexOf(code).toUpperCase(), ':'),
    (key) => each(key, (_, code) => `0x${hexOf(code)}`, ', '),
    (key) => each(key, (_, code) => `0x${hexOf(code).toUpperCase()}`, ',\n  '),
    (key) => JSON.stringify(bytesOf(key)),
    (key) => JSON.stringify(bytesOf(key), undefined, 2),
    (key) => JSON.stringify({ nested: bytesOf(key) }, undefined, 4),
    (key) => JSON.stringify(new Uint8Array(Buffer.from(`ab${key}`))),
    (key) => JSON.stringify(new Uint8Array(Buffer.from(`ab${key}`)), undefined, 2),
    (key) => `Uint8Array(${String(key.length)}) [ ${bytesOf(key).join(', ')} ]`,
    (key) => bytesOf(key).join(' '),
  ],
};

/** Every way to write a key, with the form of a finding and the bytes; also in UTF-16 of either byte order. */
export function writeKey(key: string): Array<[form: string, bytes: Buffer]> {
  const narrow = Object.entries(TEXTS).flatMap(([form, writers]) =>
    writers.map((write): [string, Buffer] => [form, Buffer.from(write(key), 'latin1')]),
  );
  const wide = (['utf-16le', 'utf-16be'] as const).flatMap((order) =>
    narrow.map(([form, bytes]): [string, Buffer] => {
      const text = Buffer.from(bytes.toString('latin1'), 'utf16le');
      return [form === 'raw' ? order : `${form}+${order}`, order === 'utf-16be' ? text.swap16() : text];
    }),
  );
  return [...narrow, ...wide];
}

/** A tar archive of files, as GNU tar writes it. */
export function tar(files: Readonly<Record<string, Buffer>>): Buffer {
  const blocks = Object.entries(files).flatMap(([name, content]) => {
    const longName = Buffer.byteLength(name) > 100 ? [header('././@LongLink', Buffer.byteLength(name) + 1, 'L')] : [];
    const named = longName.length === 0 ? [] : [...longName, padded(Buffer.from(`${name}\0`))];
    return [...named, header(name.slice(0, 100), content.length, '0'), padded(content)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1_024)]);
}

/** A tar archive, packed. */
export function tgz(files: Readonly<Record<string, Buffer>>): Buffer {
  return gzipSync(tar(files));
}

function padded(content: Buffer): Buffer {
  return Buffer.concat([content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

function header(name: string, size: number, type: string): Buffer {
  const block = Buffer.alloc(512);
  block.write(name, 0, 100, 'latin1');
  block.write('0000644\0', 100);
  block.write(`${size.toString(8).padStart(11, '0')} `, 124);
  block.write('        ', 148);
  block.write(type, 156);
  block.write('ustar  \0', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}
