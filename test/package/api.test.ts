import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { makeTempFolder } from '../programs/at-exit.mjs';
import { reportApi } from './api-report.js';

const API = fileURLToPath(new URL('../api/', import.meta.url));
const installed = join(inject('plain'), 'node_modules', 'goldkey');

const modules = new Map(
  Object.entries(manifest.exports).flatMap(([subpath, target]) =>
    typeof target === 'string'
      ? []
      : [[subpath.replace('.', 'goldkey'), join(installed, target.import.types)] as const],
  ),
);
const fileOf = (module: string): string => `${module.replace(/^goldkey\//, '').replaceAll('/', '-')}.d.ts`;

describe('the public declarations', () => {
  let reports: Map<string, string>;
  beforeAll(async () => {
    reports = await reportApi(installed, modules);
  });

  // After a review: npm run test:package -- api --update
  it.each([...modules.keys()])('of %s are those that were reviewed', async (module) => {
    await expect(reports.get(module)).toMatchFileSnapshot(join(API, fileOf(module)));
  });

  it('have a file for each subpath, and no other', async () => {
    expect(await readdir(API)).toEqual([...modules.keys()].map(fileOf).toSorted());
  });
});

const ROOT = `/** The key. */
export interface Key { readonly version: string; }
export declare class Store { #private; load(): Promise<Key>; }
`;
const SUB = `import type { Client } from 'sdk';
import { Key } from './index.js';
import type { Inner as Options } from './inner.js';
export { Store } from './index.js';
/** Reads a key. @param options - how */
export declare function readKey(options: Options, client?: Client): Promise<Key>;
export declare function readKey(path: string): Promise<Key>;
export declare const limits: { readonly max: 1; };
`;
const INNER = `/** The options. */
export interface Inner extends Base { // not read elsewhere
  path: string;
}
interface Base { retries?: number; }
export interface Unused { a: 1; }
`;

describe('a report', () => {
  let folder: string;
  beforeAll(() => {
    folder = makeTempFolder('goldkey-api-');
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** Reports the sample with one of its texts replaced. */
  async function reportWith(find = '', replacement = ''): Promise<Map<string, string>> {
    for (const [name, text] of Object.entries({ index: ROOT, sub: SUB, inner: INNER })) {
      await writeFile(join(folder, `${name}.d.ts`), text.replaceAll(find, replacement));
    }
    return reportApi(
      folder,
      new Map([
        ['goldkey', join(folder, 'index.d.ts')],
        ['goldkey/sub', join(folder, 'sub.d.ts')],
      ]),
    );
  }

  it('has exports with all that their types are made of, names what is declared elsewhere, and has no comment', async () => {
    expect(Object.fromEntries(await reportWith())).toEqual({
      goldkey: `export interface Key {
  readonly version: string;
}

export declare class Store {
  #private;
  load(): Promise<Key>;
}
`,
      'goldkey/sub': `import type { Key } from 'goldkey';
import type { Client } from 'sdk';

export { Store } from 'goldkey';

export declare const limits: {
  readonly max: 1;
};

export declare function readKey(options: Options, client?: Client): Promise<Key>;
export declare function readKey(path: string): Promise<Key>;

interface Base {
  retries?: number;
}

interface Inner extends Base {
  path: string;
}
`,
    });
  });

  it.each([
    ['an export that is renamed', 'readKey', 'getKey'],
    ['an option that becomes required', 'retries?:', 'retries:'],
    ['a member of a type that nobody exports', 'path: string;', 'file: string;'],
    ['a parameter that is gone', ', client?: Client', ''],
    ['an overload that is gone', 'export declare function readKey(path: string): Promise<Key>;\n', ''],
    ['a value of another type', 'max: 1', 'max: 2'],
    ['an export that is taken from elsewhere no longer', "export { Store } from './index.js';\n", ''],
  ])('shows %s', async (_, find, replacement) => {
    const before = await reportWith();

    expect((await reportWith(find, replacement)).get('goldkey/sub')).not.toBe(before.get('goldkey/sub'));
  });

  it.each([
    ['a comment', 'Reads a key.', 'Gets a key.'],
    ['a declaration that no export needs', 'Unused', 'Other'],
    ['white space', '{ readonly max: 1; }', '{\n  readonly max: 1;\n}'],
  ])('does not show %s', async (_, find, replacement) => {
    const before = await reportWith();

    expect(await reportWith(find, replacement)).toEqual(before);
  });
});
