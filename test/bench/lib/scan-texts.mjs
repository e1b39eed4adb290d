import { gzipSync } from 'node:zlib';

/** Returns a file's content for each form in which a leaked key is met, by its name. */
export function writeTexts(key) {
  const bytes = Buffer.from(key);
  const base64 = bytes.toString('base64');
  const wide = Buffer.from(`key=${key}\r\n`, 'utf16le');
  const around = Buffer.alloc(5_000, 0xe7);
  return {
    'url.js': `fetch('https://metals-api.com/api/latest?access_key=${key}&base=USD')\n`,
    'bare.txt': `hello\n${key}\n`,
    'inside-base64.yaml': `data: ${Buffer.from(`user:${key}:x`).toString('base64')}\n`,
    'twice-base64.yaml': `data: ${Buffer.from(`${base64}\n`).toString('base64')}\n`,
    'wrapped.pem': Buffer.from('x'.repeat(37) + key + 'y'.repeat(60))
      .toString('base64')
      .replaceAll(/.{64}/g, '$&\n'),
    'utf16le.txt': wide,
    'utf16be.txt': Buffer.from(wide).swap16(),
    'core.bin': Buffer.concat([around, bytes, around]),
    'log.gz': gzipSync(`a\nb ${key}\n`),
    'hex.txt': `${bytes.toString('hex')}\n`,
    'bytes.json': JSON.stringify([...bytes], undefined, 2),
    'quoted-printable.eml': `key: ${key.slice(0, 10)}=\r\n${key.slice(10)}\r\n`,
    'entities.html': Array.from(bytes, (byte) => `&#${String(byte)};`).join(''),
    'escapes.json': Array.from(bytes, (byte) => `\\u00${byte.toString(16)}`).join(''),
  };
}
