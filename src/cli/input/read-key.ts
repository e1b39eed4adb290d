import type { KeyProvider } from '../../core/index.js';
import { CommandError, UsageError } from '../errors.js';
import { readGuarded } from '../../util/guarded-file.js';
import type { CliIo, CliRun } from '../io.js';
import { canPrompt, promptHidden } from './prompt.js';

/** KMS encrypts at most 4,096 bytes; a line break at the end does not count. */
const MAX_BYTES = 4_098;
/** The longest plaintext of an envelope here, and its text in base64 with room to spare: a longer one is no set of keys. */
const MAX_ENVELOPE_BYTES = 1_048_576;
const MAX_FILE_BYTES = 2 * MAX_ENVELOPE_BYTES;

/** The use of a key that is read: how it is asked for, and what is not done without it. */
interface KeyUse {
  readonly question: string;
  readonly undone: string;
  /** How the key is given, as a sentence without its end. */
  readonly ways?: string | undefined;
}

const TO_ENCRYPT: KeyUse = { question: 'Key to encrypt (not shown): ', undone: 'nothing was encrypted' };

/** Reads a key from a file, a pipe or a hidden prompt, never from the command line. */
export async function readKey(
  { io, secrets }: CliRun,
  { keyFile, envelope = false }: { keyFile?: string | undefined; envelope?: boolean | undefined },
  { question, undone, ways = 'Pipe it in, type it at the prompt, or use --key-file' }: KeyUse = TO_ENCRYPT,
): Promise<string> {
  const text =
    keyFile === undefined ? await readInput(io, question, envelope) : await readTextFile('--key-file', keyFile);
  checkLength(Buffer.byteLength(text), envelope);
  const key = trimLineBreak(text);
  // Other bytes than UTF-8 were lost when they became text.
  if (envelope && key.includes('\uFFFD')) throw new CommandError(`The input is no UTF-8 text: ${undone}.`);
  if (key === '') throw new UsageError(`The key is empty: ${undone}. ${ways}.`);
  secrets.push(key);
  return key;
}

/** Reads the small text file that `option` names. */
export async function readTextFile(option: string, path: string): Promise<string> {
  try {
    return Buffer.from(await readGuarded(path, MAX_FILE_BYTES, { ownerOnly: false })).toString('utf8');
  } catch (error) {
    const { code = 'unknown error', message } = error as NodeJS.ErrnoException;
    const problem = { NOT_REGULAR: 'is not a regular file', TOO_LARGE: message, CHANGED: 'was changed meanwhile' }[
      code
    ];
    if (problem !== undefined) throw new CommandError(`The file of ${option} ${problem}: check its path.`);
    throw new CommandError(`Cannot read the file of ${option} (${code}): check its path and mode.`);
  }
}

/** Returns a key store of one key that is in memory already, for a client that checks or tries that key. */
export function fixedKeyProvider(name: string, key: string): KeyProvider {
  return { name, load: () => Promise.resolve({ bytes: new TextEncoder().encode(key), version: name }) };
}

async function readInput(io: CliIo, question: string, isEnvelope: boolean): Promise<string> {
  if (canPrompt(io)) return promptHidden(io, question);
  if (io.stdin.isTTY === true) {
    throw new UsageError('This terminal cannot hide typing: pipe the key in, or use --key-file.');
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of io.stdin) {
    const bytes = Buffer.from(chunk as Uint8Array | string);
    size += bytes.length;
    checkLength(size, isEnvelope);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function checkLength(length: number, isEnvelope: boolean): void {
  if (length <= (isEnvelope ? MAX_ENVELOPE_BYTES : MAX_BYTES)) return;
  throw new CommandError(
    isEnvelope
      ? 'The input is longer than 1,048,576 bytes, the most that --envelope takes: check it.'
      : 'The key is longer than 4,096 bytes, the most that KMS encrypts: check the input, or use `npx goldkey encrypt --envelope`.',
  );
}

/** Removes the last line break of an editor or `echo`. No regular expression, because it would keep the key. */
function trimLineBreak(text: string): string {
  if (text.endsWith('\r\n')) return text.slice(0, -2);
  return text.endsWith('\n') ? text.slice(0, -1) : text;
}
