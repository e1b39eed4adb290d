import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import lock from '../../package-lock.json' with { type: 'json' };
import manifest from '../../package.json' with { type: 'json' };

interface Component {
  'bom-ref': string;
  type: string;
  name: string;
  version: string;
  purl: string;
  hashes?: { alg: string; content: string }[];
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

let bill: Bill;
beforeAll(async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT], { maxBuffer: 2 ** 26 });
  bill = JSON.parse(stdout) as Bill;
}, 60_000);

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
});
