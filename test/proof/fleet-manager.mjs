// One step of a rotation, in a process that may be killed in the middle of it. Prints one line of JSON: that it is done, or
// the code of what went wrong.
import { readFile } from 'node:fs/promises';
import { KeyRotationManager } from 'goldkey/rotation';
import { cipherOf, clockOff, ringOf } from './lib/ring-of.mjs';

const { kind, place, masterKeyFile, off, step, keyFile, argument, options } = JSON.parse(process.argv[2]);
const manager = new KeyRotationManager({
  ring: await ringOf(kind, place),
  name: 'fleet',
  cipher: cipherOf(masterKeyFile),
  clock: clockOff(off),
});
const first = keyFile === undefined ? argument : await readFile(keyFile, 'utf8');
try {
  await (first === undefined ? manager[step](options) : manager[step](first, options));
  process.stdout.write(`${JSON.stringify({ ended: 'done' })}\n`);
} catch (error) {
  process.stdout.write(`${JSON.stringify({ ended: error.code ?? String(error), message: error.message })}\n`);
}
process.exit(0);
