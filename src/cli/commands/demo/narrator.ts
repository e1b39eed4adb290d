import { redactValue } from '../../../core/index.js';
import { print, styled, type CliIo } from '../../io.js';

/** Prints the story, and holds it to the facts. */
export class Teller {
  readonly #io: CliIo;
  readonly #wrong: string[] = [];
  #told = '';
  #scenes = 0;

  constructor(io: CliIo) {
    this.#io = io;
  }

  line(text: string): void {
    this.#told += `${text}\n`;
    print(this.#io, text);
  }

  scene(title: string, ...lines: string[]): void {
    const heading = `${String(++this.#scenes)}. ${title}`.padEnd(15);
    for (const [index, text] of lines.entries()) {
      this.line(`${index === 0 ? styled(this.#io, 'stdout', 'bold', heading) : ' '.repeat(15)}${text}`);
    }
  }

  holds(what: string, told: unknown, seen: unknown): void {
    if (told !== seen) this.#wrong.push(`${what}: told ${String(told)}, seen ${String(seen)}`);
  }

  keysShown(keys: readonly string[]): number {
    return keys.filter((key) => redactValue(this.#told, [key]) !== this.#told).length;
  }

  verdict(): number {
    if (this.#wrong.length === 0) {
      this.line(`\n${styled(this.#io, 'stdout', 'green', 'All of it happened as told.')}`);
      return 0;
    }
    this.line(`\n${styled(this.#io, 'stdout', 'red', 'Not as told:')}\n${this.#wrong.join('\n')}`);
    return 1;
  }
}
