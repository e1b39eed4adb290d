// Prints the software bill of materials of the package in CycloneDX: what an installation brings, as package-lock.json has it,
// and what is built into `dist`, which to npm is a tool of the development. `npm sbom --omit dev` would leave out more: each
// package that some tool needs as well, commander and lru-cache among them.
//
//   node .ci/sbom.mjs [folder] > goldkey.cdx.json
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Packages that the build puts into `dist`, with what they depend on. */
const BUILT_IN = ['p-retry'];
const DEVELOPMENT = 'cdx:npm:package:development';
const root = resolve(process.argv[2] ?? join(import.meta.dirname, '..'));
const readJson = (...path) => JSON.parse(readFileSync(join(root, ...path), 'utf8'));

const flags = ['--sbom-format', 'cyclonedx', '--package-lock-only'];
const bill = JSON.parse(execFileSync('npm', ['sbom', ...flags], { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 }));
const { component: own } = bill.metadata;
// npm calls it by the name of the folder.
own.name = readJson('package.json').name;

const isTool = ({ properties = [] }) => properties.some(({ name }) => name === DEVELOPMENT);
const dependenciesOf = (ref) => bill.dependencies.find((one) => one.ref === ref)?.dependsOn ?? [];

/** Returns the references of the packages of these names, and of all that they depend on. */
function findReferences(names) {
  const found = new Set();
  const follow = (ref) => {
    if (found.has(ref)) return;
    found.add(ref);
    for (const next of dependenciesOf(ref)) follow(next);
  };
  for (const name of names) {
    const direct = bill.components.filter((one) => one.name === name);
    if (direct.length !== 1) throw new Error(`package-lock.json has ${direct.length} packages ${name}, not one.`);
    follow(direct[0]['bom-ref']);
  }
  return found;
}

const { packages } = readJson('package-lock.json');

/** Returns what a package declares as its licence: one or some, of which package-lock.json has not what old packages say. */
function findDeclared({ name, version }) {
  const isOf = (path) => path.endsWith(`node_modules/${name}`) && packages[path].version === version;
  const path = Object.keys(packages).find(isOf);
  if (path === undefined || packages[path].license) return packages[path]?.license;
  if (!existsSync(join(root, path, 'package.json'))) return undefined;
  const { license, licenses } = readJson(path, 'package.json');
  return license ?? licenses;
}

/** Returns the licences of a package for CycloneDX: npm leaves out what is no SPDX expression, and what is behind an id. */
function describeLicenses(component) {
  const known = component.licenses?.[0];
  const declared = [findDeclared(component) ?? []].flat().flatMap((one) => {
    const name = one?.type ?? one?.name ?? one;
    return typeof name === 'string' && name.trim() !== '' ? { name: name.trim(), url: one.url } : [];
  });
  if (known === undefined) return declared.length === 0 ? undefined : declared.map((license) => ({ license }));
  // `GPL-2.0+` and `MIT WITH …`, of which npm takes the id alone.
  const isCut = known.license && declared[0]?.name !== known.license.id;
  return isCut && declared[0] ? [{ expression: declared[0].name }] : component.licenses;
}

const builtIn = findReferences(BUILT_IN);
bill.components = bill.components.filter((one) => !isTool(one) || builtIn.has(one['bom-ref']));
for (const component of bill.components) {
  component.licenses = describeLicenses(component);
  if (!builtIn.has(component['bom-ref'])) continue;
  const others = component.properties.filter(({ name }) => name !== DEVELOPMENT);
  component.properties = [...others, { name: 'cdx:npm:package:bundled', value: 'true' }];
}
const refs = new Set([own, ...bill.components].map((one) => one['bom-ref']));
bill.dependencies = bill.dependencies
  .filter(({ ref }) => refs.has(ref))
  .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((one) => refs.has(one)) }));
console.log(JSON.stringify(bill, null, 2));
