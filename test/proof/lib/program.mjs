import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { endWithProcess } from '../../programs/at-exit.mjs';
import { fromTypeScript } from '../../servers/from-typescript.mjs';

const { listForms, searchMemory } = await fromTypeScript(
  new URL('../../integration/memory-search.ts', import.meta.url),
);
/** The most often that freed memory is used again before a key must be gone: the garbage collector may be late. */
const ROUNDS = 6;

/** A program of the proof in a process of its own, which prints lines of JSON. */
export class Program {
  child;
  lines = [];
  #closed;
  #waiting = new Set();

  constructor(script, argv = [], { env = {}, flags = [] } = {}) {
    const path = fileURLToPath(new URL(`../${script}`, import.meta.url));
    const child = spawn(process.execPath, [...flags, path, ...argv.map(String)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { PATH: process.env.PATH, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true', ...env },
    });
    this.child = endWithProcess(child);
    this.#closed = once(this.child, 'close');
    // A program that is killed reads no more.
    this.child.stdin.on('error', () => undefined);
    createInterface(this.child.stdout).on('line', (line) => {
      const said = JSON.parse(line);
      this.lines.push(said);
      for (const waiting of this.#waiting) waiting(said);
    });
  }

  tell(order) {
    this.child.stdin.write(`${JSON.stringify(order)}\n`);
  }

  /** Waits for a line that has `property`, and rejects where the program ends before it. */
  async line(property) {
    const found = this.lines.find((said) => property in said);
    if (found) return found;
    return await new Promise((resolve, reject) => {
      const waiting = (said) => {
        if (!(property in said)) return;
        this.#waiting.delete(waiting);
        resolve(said);
      };
      this.#waiting.add(waiting);
      void this.#closed.then(([code]) => {
        reject(new Error(`The program ended with ${String(code)} before it said ${property}.`));
      });
    });
  }

  async ended() {
    const [code] = await this.#closed;
    return code;
  }

  /** Ends it at once, as a machine that loses its power. */
  async kill() {
    this.child.kill('SIGKILL');
    await this.#closed;
  }

  /**
   * Has freed memory used again, and searches the process for what its keys share. Resolves to the forms that were found.
   * The program is one that has called `awaitSearch`, and has let go of its keys.
   */
  async search(shared) {
    const forms = new Map([...listForms(shared, randomBytes(32))].filter(([form]) => !form.includes('master key')));
    let found = [];
    for (let round = 0; round < ROUNDS; round++) {
      this.tell('reuse');
      await this.line(`reused ${String(round)}`);
      found = Object.keys(searchMemory(this.child, forms));
      if (found.length === 0) break;
    }
    this.tell('end');
    return found;
  }
}
