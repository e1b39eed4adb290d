import { CommandError } from '../errors.js';
import type { CliIo } from '../io.js';

const ENTER = new Set(['\r', '\n']);
const BACKSPACE = new Set(['\u007F', '\b']);
const INTERRUPT = '\u0003';
const END = '\u0004';
const ESCAPE = '\u001B';
/** Whether somebody can be asked. */
export function canPrompt(io: CliIo): boolean {
  return io.stdin.isTTY === true && typeof io.stdin.setRawMode === 'function';
}

/** Asks on stderr and reads one line from the terminal without showing it. */
export function promptHidden(io: CliIo, question: string): Promise<string> {
  const { stdin, stderr } = io;
  return new Promise((resolve, reject) => {
    let typed = '';
    const done = (finish: () => void): void => {
      stdin.removeListener('data', onData);
      stdin.removeListener('end', onEnd);
      stdin.setRawMode?.(false);
      stdin.pause();
      stderr.write('\n');
      finish();
    };
    const interrupted = (): void => {
      done(() => {
        reject(new CommandError('Interrupted: nothing was done.'));
      });
    };
    const onEnd = (): void => {
      interrupted();
    };
    const onData = (chunk: Buffer | string): void => {
      for (const character of typedText(chunk.toString())) {
        if (character === INTERRUPT || (character === END && typed === '')) {
          interrupted();
          return;
        }
        if (ENTER.has(character) || character === END) {
          done(() => {
            resolve(typed);
          });
          return;
        }
        typed = BACKSPACE.has(character) ? typed.slice(0, -1) : typed + character;
      }
    };
    stderr.write(question);
    stdin.setRawMode?.(true);
    stdin.on('data', onData);
    stdin.on('end', onEnd);
    stdin.resume();
  });
}

/**
 * Without the sequences a terminal sends around a paste and for arrow keys: ESC, `[` or `O`, parameters, a letter or
 * `~`. By hand: a regular expression would keep the key it ran on.
 */
function* typedText(text: string): Generator<string> {
  let escape: 'none' | 'begun' | 'inside' = 'none';
  for (const character of text) {
    if (character === ESCAPE) escape = 'begun';
    else if (escape === 'begun') escape = character === '[' || character === 'O' ? 'inside' : 'none';
    else if (escape === 'none') yield character;
    else if (character === '~' || character >= 'A') escape = 'none';
  }
}
