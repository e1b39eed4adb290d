import { fromTypeScript } from '../../servers/from-typescript.mjs';
import { majorOf } from './results.mjs';

const MAJORS = ['20', '22', '24', '26'];
const running = String(majorOf(process.version));

/**
 * The paths of the Node.js binaries to measure on, the oldest first.
 *
 * @param asked - paths or major versions; of none the four that are supported and the running one, of which those that
 *   cannot be had are told of and left out
 */
export async function nodes(asked) {
  if (asked.length > 0) return await Promise.all(asked.map((each) => (/^\d+$/.test(each) ? binary(each) : each)));
  const found = [];
  for (const major of new Set([...MAJORS, running].toSorted())) {
    try {
      found.push(await binary(major));
    } catch (error) {
      process.stderr.write(`Node.js ${major} is left out: ${error.message}\n`);
    }
  }
  return found;
}

async function binary(major) {
  if (major === running) return process.execPath;
  const { installNode } = await fromTypeScript(new URL('../../servers/node.ts', import.meta.url));
  return await installNode(major);
}
