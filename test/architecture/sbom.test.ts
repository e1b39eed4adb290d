import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import lock from '../../package-lock.json' with { type: 'json' };
import manifest from '../../package.json' with { type: 'json' };

interface Component {
  'bom-ref': string;
  type: string;
  name: string;
  version: string;
  purl: string;
  hashes?: { alg: string; content: string }[];
  licenses?: ({ license: { id?: string; name?: string; url?: string } } | { expression: string })[];
  properties?: { name: string; value: string }[];
}

interface Bill {
  bomFormat: string;
  specVersion: string;
  metadata: { component: Component };
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

const SCRIPT = fileURLToPath(new URL('../../.ci/sbom.mjs', import.meta.url));
/** What the build puts into `dist`, as the licences there say: test/package/tarball.test.ts. */
const BUILT_IN = ['is-network-error', 'p-retry'];

async function makeBill(...args: readonly string[]): Promise<Bill> {
  const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, ...args], { maxBuffer: 2 ** 26 });
  return JSON.parse(stdout) as Bill;
}

let bill: Bill;
beforeAll(async () => {
  bill = await makeBill();
}, 60_000);

/** What packages declare, as package-lock.json has it or, where it has nothing, their own package.json. */
const DECLARED: Record<string, { locked?: unknown; own?: object }> = {
  'p-retry': { locked: 'MIT' },
  both: { locked: '(MIT OR CC0-1.0)' },
  later: { locked: 'GPL-2.0+' },
  excepted: { locked: 'GPL-2.0 WITH Classpath-exception-2.0' },
  '@own/words': { locked: 'SEE LICENSE IN LICENSE.txt' },
  none: { locked: 'UNLICENSED' },
  object: { own: { license: { type: 'Custom', url: 'https://licence.example' } } },
  list: { own: { licenses: [{ type: 'MIT', url: 'https://mit.example' }, 'Beerware-ish', {}, null] } },
  silent: { own: {} },
  absent: {},
};

/** Makes a folder with a lock of these packages, of which those with a package.json are installed. */
async function makeProject(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'goldkey-sbom-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const dependencies = Object.fromEntries(Object.keys(DECLARED).map((name) => [name, '1.0.0']));
  const packages: Record<string, object> = { '': { name: 'project', version: '1.0.0', dependencies } };
  for (const [name, { locked, own }] of Object.entries(DECLARED)) {
    packages[`node_modules/${name}`] = { version: '1.0.0', ...(locked !== undefined && { license: locked }) };
    if (own === undefined) continue;
    await mkdir(join(folder, 'node_modules', name), { recursive: true });
    await writeFile(join(folder, 'node_modules', name, 'package.json'), JSON.stringify(own));
  }
  await writeFile(join(folder, 'package.json'), JSON.stringify(packages['']));
  const written = { name: 'project', version: '1.0.0', lockfileVersion: 3, requires: true, packages };
  await writeFile(join(folder, 'package-lock.json'), JSON.stringify(written));
  return folder;
}

const namesWith = (property: string): string[] =>
  bill.components
    .filter(({ properties = [] }) => properties.some(({ name }) => name === `cdx:npm:package:${property}`))
    .map(({ name }) => name)
    .toSorted();

describe('the software bill of materials', () => {
  it('is CycloneDX, and of this package', () => {
    const { component } = bill.metadata;

    expect(bill).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.5' });
    expect(component).toMatchObject({ name: manifest.name, version: manifest.version });
    expect(component.purl).toBe(`pkg:npm/${manifest.name}@${manifest.version}`);
  });

  it('names each package by its purl, with its hash', () => {
    const strange = bill.components.filter(({ name, version, purl, hashes = [] }) => {
      const path = name.replace('@', '%40');
      return purl !== `pkg:npm/${path}@${version}` || !hashes.some(({ alg }) => alg === 'SHA-512');
    });

    expect(strange).toEqual([]);
    expect(new Set(bill.components.map((one) => one['bom-ref'])).size).toBe(bill.components.length);
  });

  it('has what is installed with the package and what is built into it, and no tool of the development', () => {
    const installed = Object.entries(lock.packages as Record<string, { dev?: boolean; devOptional?: boolean }>)
      .filter(([path, { dev, devOptional }]) => path !== '' && dev !== true && devOptional !== true)
      .map(([path]) => path.replace(/^.*node_modules\//, ''));

    expect(bill.components.map(({ name }) => name).toSorted()).toEqual([...installed, ...BUILT_IN].toSorted());
    expect(installed).toEqual(expect.arrayContaining(Object.keys(manifest.dependencies)));
    expect(namesWith('bundled')).toEqual(BUILT_IN);
    expect(namesWith('development')).toEqual([]);
  });

  it('says which package needs which, the package itself first of all', () => {
    const refs = new Set([bill.metadata.component, ...bill.components].map((one) => one['bom-ref']));
    const needed = bill.dependencies.find(({ ref }) => ref === bill.metadata.component['bom-ref'])?.dependsOn ?? [];

    expect(needed.map((ref) => ref.replace(/@[^@]+$/, '')).toSorted()).toEqual(
      [...Object.keys(manifest.dependencies), 'p-retry'].toSorted(),
    );
    expect(bill.dependencies.map(({ ref }) => ref).toSorted()).toEqual([...refs].toSorted());
    expect(bill.dependencies.flatMap(({ dependsOn }) => dependsOn).filter((ref) => !refs.has(ref))).toEqual([]);
  });

  it('has a licence of each package', () => {
    expect(bill.components.filter(({ licenses = [] }) => licenses.length === 0)).toEqual([]);
  });

  it('has each licence as it is declared, in words where SPDX does not know it', { timeout: 60_000 }, async () => {
    const { components } = await makeBill(await makeProject());

    expect(Object.fromEntries(components.map(({ name, licenses }) => [name, licenses]))).toEqual({
      'p-retry': [{ license: { id: 'MIT' } }],
      both: [{ expression: '(MIT OR CC0-1.0)' }],
      later: [{ expression: 'GPL-2.0+' }],
      excepted: [{ expression: 'GPL-2.0 WITH Classpath-exception-2.0' }],
      '@own/words': [{ license: { name: 'SEE LICENSE IN LICENSE.txt' } }],
      none: [{ license: { name: 'UNLICENSED' } }],
      object: [{ license: { name: 'Custom', url: 'https://licence.example' } }],
      list: [{ license: { name: 'MIT', url: 'https://mit.example' } }, { license: { name: 'Beerware-ish' } }],
      silent: undefined,
      absent: undefined,
    });
  });
});
