import { on } from 'node:events';
import { CommandError, InterruptedError } from '../errors.js';
import type { CliIo } from '../io.js';
import { clearSpinner } from '../spinner.js';

const ENTER = new Set(['\r', '\n']);
const BACKSPACE = new Set(['\u007F', '\b']);
const INTERRUPT = '\u0003';
const END = '\u0004';
const ESCAPE = '\u001B';
const INTERRUPTED = 'Interrupted: nothing was done.';
const ENDED = 'The input ended before a line was typed: nothing was done.';

/** Tells whether the user can be asked without showing the answer. */
export function canPrompt(io: CliIo): boolean {
  return io.stdin.isTTY === true && typeof io.stdin.setRawMode === 'function';
}

/** Asks on stderr and reads one line from the terminal without showing it. */
export async function promptHidden(io: CliIo, question: string): Promise<string> {
  const { stdin, stderr } = io;
  clearSpinner(io);
  // Before the question: what is typed at once would show.
  stdin.setRawMode?.(true);
  stderr.write(question);
  const chunks = on(stdin, 'data', { close: ['end'] });
  stdin.resume();
  try {
    let typed = '';
    for await (const [chunk] of chunks as AsyncIterable<[Buffer | string]>) {
      for (const character of readCharacters(chunk.toString())) {
        if (character === INTERRUPT) throw new InterruptedError(INTERRUPTED);
        if (character === END && typed === '') throw new CommandError(ENDED);
        if (ENTER.has(character) || character === END) return typed;
        typed = BACKSPACE.has(character) ? typed.slice(0, -1) : typed + character;
      }
    }
    throw new CommandError(ENDED);
  } finally {
    stdin.setRawMode?.(false);
    stdin.pause();
    stderr.write('\n');
  }
}

/**
 * Returns the characters of `text` without the sequences that a terminal sends around a paste and for arrow keys: ESC,
 * `[` or `O`, parameters, a letter or `~`. No regular expression, because it would keep the key in `RegExp.input`.
 */
function* readCharacters(text: string): Generator<string> {
  let escape: 'none' | 'begun' | 'inside' = 'none';
  for (const character of text) {
    if (character === ESCAPE) escape = 'begun';
    else if (escape === 'begun') escape = character === '[' || character === 'O' ? 'inside' : 'none';
    else if (escape === 'none') yield character;
    else if (character === '~' || character >= 'A') escape = 'none';
  }
}
