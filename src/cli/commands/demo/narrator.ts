import { redactValue } from '../../../core/index.js';
import { print, styleText, type CliIo } from '../../io.js';

/** Prints the story of the demo, and checks its figures. */
export class Narrator {
  readonly #io: CliIo;
  readonly #wrong: string[] = [];
  #printed = '';
  #scenes = 0;

  constructor(io: CliIo) {
    this.#io = io;
  }

  say(text: string): void {
    this.#printed += `${text}\n`;
    print(this.#io, text);
  }

  /** Prints the lines of a scene beside its numbered title. */
  scene(title: string, ...lines: string[]): void {
    const heading = styleText(this.#io, 'stdout', 'bold', `${String(++this.#scenes)}. ${title}`.padEnd(15));
    for (const [index, text] of lines.entries()) this.say(`${index === 0 ? heading : ' '.repeat(15)}${text}`);
  }

  /** Compares figures of the story with those that were measured, by name. */
  check(figures: Readonly<Record<string, readonly [told: unknown, measured: unknown]>>): void {
    for (const [name, [told, measured]] of Object.entries(figures)) {
      if (told !== measured) this.#wrong.push(`${name}: told ${String(told)}, measured ${String(measured)}`);
    }
  }

  /** Returns how many of the keys show in the output so far. */
  countKeysShown(keys: readonly string[]): number {
    return keys.filter((key) => redactValue(this.#printed, [key]) !== this.#printed).length;
  }

  /** Prints the verdict. Returns the exit code: 1 if a figure differed. */
  finish(): number {
    const isRight = this.#wrong.length === 0;
    const verdict = isRight ? 'All of it happened as told.' : 'Not as told:';
    this.say(['', styleText(this.#io, 'stdout', isRight ? 'green' : 'red', verdict), ...this.#wrong].join('\n'));
    return isRight ? 0 : 1;
  }
}
