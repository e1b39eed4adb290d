import { readFile } from 'node:fs/promises';
import { CommandError, UsageError } from '../errors.js';
import type { CliIo } from '../io.js';
import { canPrompt, promptHidden } from './prompt.js';

/** KMS encrypts at most 4,096 bytes; a line break at the end does not count. */
const MAX_BYTES = 4_098;

/** The key to encrypt: from a file, from a pipe, or typed and not shown. Never from the command line. */
export async function readKey(io: CliIo, keyFile: string | undefined): Promise<string> {
  const text = keyFile === undefined ? await fromInput(io) : await fromFile(keyFile);
  const key = withoutLineBreak(text);
  if (key === '') throw new CommandError('The key is empty: nothing was encrypted.');
  return key;
}

/** A small text file named by an option. */
export async function readTextFile(option: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new CommandError(`Cannot read the file of ${option} (${code}): check its path and mode.`);
  }
}

async function fromFile(path: string): Promise<string> {
  const text = await readTextFile('--key-file', path);
  if (Buffer.byteLength(text) > MAX_BYTES) throw tooLong();
  return text;
}

async function fromInput(io: CliIo): Promise<string> {
  if (canPrompt(io)) return promptHidden(io, 'Key to encrypt (not shown): ');
  if (io.stdin.isTTY === true)
    throw new UsageError('This terminal cannot hide typing: pipe the key in, or use --key-file.');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of io.stdin) {
    const bytes = Buffer.from(chunk as Uint8Array | string);
    size += bytes.length;
    if (size > MAX_BYTES) throw tooLong();
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function tooLong(): CommandError {
  return new CommandError('The key is longer than 4,096 bytes, the most that KMS encrypts: check what was given.');
}

/** An editor's or echo's last line break; cut without a regular expression, which would keep the key. */
function withoutLineBreak(text: string): string {
  if (text.endsWith('\r\n')) return text.slice(0, -2);
  return text.endsWith('\n') ? text.slice(0, -1) : text;
}
