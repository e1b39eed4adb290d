/** The name by which instrumented code reaches its counters. */
export const COUNTERS = 'goldkeyFuzzCounters';

/** The file in which a build lists its sources. */
export const FILES = 'files.json';

/** A source as it was built. */
export interface BuiltFile {
  /** Relative to `src`. */
  readonly path: string;
  /** The first of its counters, and how many there are. */
  readonly first: number;
  readonly blocks: number;
  /** The short texts of the source. */
  readonly words: readonly string[];
}
