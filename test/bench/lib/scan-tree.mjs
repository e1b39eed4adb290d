import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeTexts } from './scan-texts.mjs';

/** So many bytes are in each file. */
const FILE = 8 * 2 ** 20;

/** Returns a stream of the same bytes each time: AES would do, but a hash in counter mode needs no key. */
function drawBytes(name, length) {
  return createHash('shake256', { outputLength: length }).update(name).digest();
}

function escapeByte(byte) {
  return `\\u00${byte.toString(16).padStart(2, '0')}`;
}

function writeLog(bytes) {
  const lines = [];
  for (let at = 0; at + 8 <= bytes.length; at += 8) {
    const id = bytes.toString('hex', at, at + 8);
    const path = `/v1/latest?base=XAU&symbols=USD&request=${id}`;
    lines.push(`2026-11-27T08:${String(at % 60).padStart(2, '0')}:00Z INFO GET ${path} 200 ${String(bytes[at])} ms\n`);
  }
  return lines.join('');
}

function writeCode(bytes) {
  const words = [
    'const',
    'price',
    'await',
    'return',
    'client',
    'export',
    'if',
    'metal',
    'ounce',
    'new',
    'throw',
    'get',
  ];
  const code = [];
  for (const byte of bytes) {
    const word = words[byte % words.length];
    code.push(byte > 240 ? `${word}(${String(byte)});\n    ` : `${word}${byte > 128 ? '.' : ' '}`);
  }
  return code.join('');
}

/** The kinds of text whose speed is told apart, each of bytes that are drawn. */
const KINDS = {
  logs: writeLog,
  code: writeCode,
  binary: (bytes) => bytes,
  base64: (bytes) => bytes.toString('base64'),
  hex: (bytes) => bytes.toString('hex'),
  'JSON numbers': (bytes) => JSON.stringify([...bytes]),
  'unicode escapes': (bytes) => Array.from(bytes, escapeByte).join(''),
  'percent escapes': (bytes) => bytes.toString('hex').replaceAll(/../g, '%$&'),
};

/**
 * Writes a tree for each kind, of `files` files of one size, and one small tree that holds the key once in each form.
 *
 * @returns the folder of each kind, with its size in bytes, the folder of the forms, and how many there are
 */
export async function writeTrees(key, files) {
  const root = await mkdtemp(join(tmpdir(), 'goldkey-scan-'));
  const keyFile = join(root, 'api.key');
  await writeFile(keyFile, key, { mode: 0o600 });
  const kinds = [];
  for (const [name, write] of Object.entries(KINDS)) {
    const folder = join(root, name.replace(' ', '-'));
    await mkdir(folder);
    const part = Buffer.from(write(drawBytes(name, 2 ** 20)));
    const content = Buffer.alloc(FILE, part);
    for (let file = 0; file < files; file++) await writeFile(join(folder, `${String(file)}.txt`), content);
    kinds.push({ name, folder, files, bytes: files * FILE });
  }
  const forms = join(root, 'forms');
  await mkdir(forms);
  const texts = Object.entries(writeTexts(key));
  for (const [name, text] of texts) await writeFile(join(forms, name), text);
  return { keyFile, kinds, forms, planted: texts.length, remove: () => rm(root, { recursive: true }) };
}
