import { lstatSync, readdirSync, statSync, type Dirent } from 'node:fs';
import { matchGlob } from './glob.js';

/** A file that is to be read, or a place that could not be. */
export interface Entry {
  readonly path: Buffer;
  /** True if it was reached through a symbolic link. */
  readonly isLinked: boolean;
  readonly error?: unknown;
}

export interface WalkOptions {
  readonly exclude: readonly string[];
  readonly followSymlinks: boolean;
  /** Returns whether a folder, or a file in place of one, is left out, by its name and its path. */
  readonly skips: (name: string, path: Buffer) => boolean;
}

/** The error of a path that is named, and is neither a file nor a folder. */
export class NotReadableError extends Error {}

const SLASH = Buffer.from('/');

/** Lists the regular files below a path, in a steady order. Does not open FIFOs, sockets and devices. */
export function* walk(root: Buffer, options: WalkOptions): Generator<Entry> {
  const { exclude, followSymlinks, skips } = options;
  /** The folders that are followed, so that a loop of links ends. */
  const entered = new Set<string>();
  const pending: Array<{ path: Buffer; relative: string; isLinked: boolean }> = [];
  const visit = function* (path: Buffer, relative: string, isLinked: boolean, isNamed: boolean): Generator<Entry> {
    let stats;
    try {
      stats = isLinked || isNamed ? statSync(path) : lstatSync(path);
    } catch (error) {
      // A file that is gone meanwhile, or a link to nothing, cannot hold a key.
      if (isNamed || !['ENOENT', 'ELOOP'].includes(String((error as NodeJS.ErrnoException).code)))
        yield { path, isLinked, error };
      return;
    }
    if (stats.isFile()) yield { path, isLinked: isLinked || isNamed };
    // What is neither holds nothing in a tree. One that is named was to be read, as the pipe of `<(command)`.
    else if (isNamed && !stats.isDirectory()) yield { path, isLinked, error: new NotReadableError() };
    if (!stats.isDirectory()) return;
    const id = `${String(stats.dev)}:${String(stats.ino)}`;
    if (followSymlinks && entered.has(id)) return;
    entered.add(id);
    pending.push({ path, relative, isLinked });
  };
  yield* visit(root, '', false, true);
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    const { path, relative } = folder;
    let entries: Array<Dirent<Buffer>>;
    try {
      entries = readdirSync(path, { withFileTypes: true, encoding: 'buffer' }) as unknown as Array<Dirent<Buffer>>;
    } catch (error) {
      yield { path, isLinked: false, error };
      continue;
    }
    entries.sort((one, other) => Buffer.compare(one.name, other.name));
    for (const entry of entries) {
      const name = entry.name.toString('latin1');
      const inner = relative === '' ? name : `${relative}/${name}`;
      const child = joinPath(path, entry.name);
      if (skips(name, child)) continue;
      if (exclude.some((glob) => matchGlob(glob, glob.includes('/') ? inner : name))) continue;
      if (entry.isFile()) yield { path: child, isLinked: false };
      else if (entry.isDirectory() || (entry.isSymbolicLink() && followSymlinks)) {
        yield* visit(child, inner, entry.isSymbolicLink(), false);
      }
    }
  }
}

function joinPath(folder: Buffer, name: Buffer): Buffer {
  if (folder.toString('latin1') === '.') return name;
  return Buffer.concat(folder.at(-1) === SLASH[0] ? [folder, name] : [folder, SLASH, name]);
}
