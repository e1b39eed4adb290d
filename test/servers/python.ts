import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, run } from './process.js';

/**
 * Installs packages of PyPI into a virtual environment of their own on first use, in a cache folder outside the work tree.
 * Resolves to that environment's folder of programs, with `python` among them.
 *
 * @param name - of the cache folder
 * @param packages - what pip is to install, with version ranges
 * @throws {Error} whose message says what is missing and how to get it
 */
export async function installPython(name: string, ...packages: readonly string[]): Promise<string> {
  const folder = cacheFolder(name);
  const programs = join(folder, 'bin');
  // Written last: a folder without it is half an installation.
  const complete = join(folder, 'complete');
  try {
    await access(complete);
    return programs;
  } catch {
    await rm(folder, { recursive: true, force: true });
  }
  try {
    await mkdir(folder, { recursive: true });
    await run('python3', ['-m', 'venv', folder]);
    await run(join(programs, 'pip'), ['install', '--quiet', '--disable-pip-version-check', ...packages]);
    await writeFile(complete, '');
    return programs;
  } catch (error) {
    const how = `install Python 3 with venv; the tests then run: python3 -m venv DIR && DIR/bin/pip install ${packages.map((each) => `'${each}'`).join(' ')}`;
    throw new Error(`${name}, which the tests run in Python, could not be installed: ${how}`, { cause: error });
  }
}
