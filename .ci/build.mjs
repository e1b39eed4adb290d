// Builds what is published, from the subpaths that package.json exports:
//
//   dist/esm/**/*.js, *.d.ts      ES modules and their types (tsc)
//   dist/cjs/**/*.js, *.d.ts      the same as CommonJS, as the package.json beside them says
//   dist/goldkey.1                the manual page, as the command prints it
//
//   node .ci/build.mjs            everything
//   node .ci/build.mjs --js       without types and manual: enough for the tests, in a second
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { parse } from 'acorn';
import { build, transform } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const src = join(root, 'src');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

// `./dist/esm/providers/kms/kms.js` is built from `src/providers/kms/index.ts`, whose types are in `index.d.ts`. npm packs files
// by extension and name: two of a name lie side by side, and the second costs the tarball little, 50 KB less in all.
const sourceOf = (types) => types.replace('./dist/esm', src).replace(/\.d\.ts$/, '.ts');
const outOf = (built) => built.replace('./dist/esm/', '').replace(/\.js$/, '');
const exported = Object.entries(manifest.exports)
  .filter(([, target]) => typeof target === 'object')
  .map(([subpath, target]) => ({ subpath, in: sourceOf(target.import.types), out: outOf(target.import.default) }));
const subpaths = new Map(exported.map((entry) => [entry.in, entry.subpath]));
const entries = [...subpaths.keys()];

const options = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 140,
  legalComments: 'inline',
  logLevel: 'warning',
  define: { GOLDKEY_VERSION: JSON.stringify(manifest.version) },
};

/** Keeps bundlers from looking for a package that nobody names. */
const IGNORE = '/* webpackIgnore: true */ /* @vite-ignore */';
/** Longest line of what is published, in characters, but for a token that is longer. */
const MAX_LINE = 140;
/** Tokens after which a line may end, as acorn names them. */
const BREAKABLE = new Set([';', '{', '}', '(', ')', '[', ',', '?', ':', '=', '=>', '||', '&&', '??']);
/** Tokens that must stand on the line of the one before them; a `template` is the rest of one, after a `}`. */
const BOUND = new Set(['=>', '++/--', 'template']);

// A room becomes one file, because on Node.js 20 each further file costs every start up to a millisecond. Rooms are the core,
// the ground that the others share, and each subpath with the modules beside it. A subpath whose modules others import as
// well becomes a list of its names beside that file. The command's modules are no room: each verb stays a file.
const core = await findSources(['core/index.ts']);
const ground = await findSources(['util', 'http', 'aws', 'providers/shared']);
const folders = entries.map((entry) => dirname(entry)).filter((folder) => folder !== src);

/** Returns the sources below these folders and files of `src`, with all that they import. */
async function findSources(paths) {
  const files = paths.flatMap((path) => (path.endsWith('.ts') ? [join(src, path)] : listSources(join(src, path))));
  const { metafile } = await build({
    ...options,
    entryPoints: files,
    format: 'esm',
    packages: 'external',
    outdir: 'dist',
    write: false,
    metafile: true,
  });
  // One that imports a module of Node.js stays apart: those who do not need it would load it. So does one that imports a
  // package on first use, with what imports it: webpack would put the package into the bundles of all.
  const { inputs } = metafile;
  const loadsModule = ({ kind, path }) => kind === 'import-statement' && path.startsWith('node:');
  const leadsToPackage = ({ kind, path, external }) =>
    external ? kind === 'dynamic-import' : inputs[path].imports.some(leadsToPackage);
  const isLight = (path) => !inputs[path].imports.some((one) => loadsModule(one) || leadsToPackage(one));
  const light = Object.keys(inputs).filter(isLight);
  return new Set(light.map((path) => join(root, path)));
}

function listSources(folder) {
  const names = readdirSync(folder, { recursive: true });
  return names.filter((name) => name.endsWith('.ts')).map((name) => join(folder, name));
}

function roomOf(file) {
  if (core.has(file)) return 'core';
  if (ground.has(file)) return 'ground';
  const around = folders.filter((folder) => file.startsWith(`${folder}/`));
  return around.toSorted((a, b) => b.length - a.length)[0];
}

function modulesOf(room) {
  const files = { core, ground }[room] ?? listSources(room);
  // What imports an SDK statically is a file of its own, loaded lazily.
  return [...files].filter((file) => basename(file) !== 'sdk.ts' && !subpaths.has(file) && roomOf(file) === room);
}

/** Lets an import of one module of a room import them all: what is always reached together esbuild leaves in one file. */
const rooms = {
  name: 'rooms',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\.{1,2}\// }, ({ path, resolveDir, importer, namespace }) => {
      const file = join(resolveDir, path).replace(/\.js$/, '.ts');
      if (namespace === 'room') return { path: file, sideEffects: true };
      const room = roomOf(file);
      const within = room === roomOf(importer) && !subpaths.has(importer);
      if (room === undefined || within) return undefined;
      if (subpaths.has(file)) return { path: subpaths.get(file).replace('.', manifest.name), external: true };
      return { path: room, namespace: 'room', sideEffects: true };
    });
    onLoad({ filter: /./, namespace: 'room' }, ({ path }) => ({
      contents: modulesOf(path)
        .map((file) => `export * from './${relative(src, file).replace(/\.ts$/, '.js')}';`)
        .join('\n'),
      resolveDir: src,
    }));
  },
};

/** Keeps the licences of the packages that are built in. */
const licences = {
  name: 'licences',
  setup({ onLoad }) {
    onLoad({ filter: /node_modules.*\.js$/ }, ({ path }) => {
      const [folder] = /.*node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(path);
      const name = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
      const licence = readFileSync(join(folder, name), 'utf8').trim();
      const wrapped = licence.replaceAll(/(?=.{101})(.{1,100}) /g, '$1\n');
      return { contents: `/*! ${basename(folder)}\n\n${wrapped} */\n${readFileSync(path, 'utf8')}` };
    });
  },
};

/** Lowers each source by itself: helpers of esbuild's would become one more file, loaded with every subpath. */
const noHelpersFile = {
  name: 'no helpers file',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const { code } = await transform(readFileSync(path, 'utf8'), { loader: 'ts', target: options.target });
      return { contents: code };
    });
  },
};

/** Builds the ES modules and returns them as esbuild describes them, by path. */
async function buildEsModules() {
  const { dependencies, peerDependencies, bin } = manifest;
  const external = [...Object.keys({ ...dependencies, ...peerDependencies }), manifest.name];
  const { metafile } = await build({
    ...options,
    entryPoints: [...exported, { in: join(src, 'cli/bin.ts'), out: outOf(bin.goldkey) }].map((entry) => ({
      in: entry.in,
      out: entry.out,
    })),
    format: 'esm',
    splitting: true,
    outdir: 'dist/esm',
    chunkNames: 'shared/[name]-[hash]',
    external,
    metafile: true,
    plugins: [rooms, licences, noHelpersFile],
  });
  return metafile.outputs;
}

/** Translates the ES modules of the subpaths, file by file, so that both builds hold every class once. */
async function buildCommonJs(outputs) {
  const files = new Set();
  const follow = (path) => {
    if (files.has(path)) return;
    files.add(path);
    for (const { path: next, external } of outputs[path].imports) if (!external) follow(next);
  };
  for (const { out } of exported) follow(`dist/esm/${out}.js`);
  await build({
    ...options,
    entryPoints: [...files],
    format: 'cjs',
    outbase: 'dist/esm',
    outdir: 'dist/cjs',
    // An `import()` becomes a `require`, which the mocks of a test runner reach.
    supported: { 'dynamic-import': false },
    // Without a URL `createRequire` throws, so that packages are loaded by that `require`.
    define: Object.fromEntries(['url', 'resolve', 'jest'].map((name) => [`import.meta.${name}`, 'undefined'])),
    plugins: [neighbours],
  });
  writeDeep(join(root, 'dist/cjs/package.json'), '{"type":"commonjs","sideEffects":false}\n');
}

/**
 * Lets the CommonJS files import each other by their names. What a plugin resolves has no package.json, so that esbuild takes
 * a `default` for what the file exports by that name.
 */
const neighbours = {
  name: 'neighbours',
  setup({ onResolve }) {
    onResolve({ filter: /./ }, ({ kind, path }) => {
      if (kind === 'entry-point') return { path: join(root, path) };
      return { path, external: true };
    });
  },
};

/** Emits the declarations that the subpaths reach, for both builds: of the core what they name. */
async function buildTypes() {
  const [{ default: ts }, { format }] = await Promise.all([import('typescript'), import('prettier')]);
  const [esm, cjs] = [join(root, 'dist/esm'), join(root, 'dist/cjs')];
  const declarations = emitDeclarations(ts, esm);
  const coreIndex = join(esm, 'core/index.d.ts');
  const named = new Set();
  const written = new Set([coreIndex]);
  const write = async (path) => {
    written.add(path);
    // tsc writes a long list or union as one line.
    const text = await format(declarations.get(path), { ...manifest.prettier, parser: 'typescript' });
    const imports = ts.preProcessFile(text).importedFiles.filter(({ fileName }) => fileName.startsWith('.'));
    writeDeep(path, text);
    writeDeep(path.replace(esm, cjs), text);
    for (const name of namesFrom(text, '/core/index.js')) named.add(name);
    for (const { fileName } of imports) {
      const next = join(dirname(path), fileName.replace(/\.js$/, '.d.ts'));
      if (!written.has(next)) await write(next);
    }
  };
  for (const entry of entries) await write(entry.replace(src, esm).replace(/\.ts$/, '.d.ts'));
  const isNamed = (line) => {
    const module = /^export (?:type )?\* from '(.+)\.js';$/.exec(line)?.[1];
    if (module === undefined) return namesFrom(line, '.js').some((name) => named.has(name));
    const text = declarations.get(join(dirname(coreIndex), `${module}.d.ts`));
    return [...text.matchAll(/^export (?:declare )?(?:abstract )?\w+ (\w+)/gm)].some(([, name]) => named.has(name));
  };
  declarations.set(coreIndex, declarations.get(coreIndex).split('\n').filter(isNamed).join('\n'));
  await write(coreIndex);
}

/** Returns the names that a declaration file takes from another, whose path ends so. */
function namesFrom(text, ending) {
  const lists = [...text.matchAll(/^(?:import|export) (?:type )?\{([^}]*)\} from '([^']+)';$/gm)];
  return lists
    .filter(([, , path]) => path.endsWith(ending))
    .flatMap(([, list]) => list.match(/\w+(?= as |,|\s*$)/g) ?? []);
}

function emitDeclarations(ts, outDir) {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options: settings } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const program = ts.createProgram(entries, { ...settings, noEmit: false, emitDeclarationOnly: true, outDir });
  const declarations = new Map();
  const { diagnostics } = program.emit(undefined, (path, text) => declarations.set(resolve(path), text));
  const errors = [...ts.getPreEmitDiagnostics(program), ...diagnostics];
  if (errors.length > 0) throw new Error(ts.formatDiagnostics(errors, ts.createCompilerHost(settings)));
  return declarations;
}

function writeDeep(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/**
 * Breaks the lines of what is published, and keeps its names: an uncaught error prints a line of it, and a user reads that.
 * A line may end after any token that cannot end a statement.
 */
function wrap(code) {
  const tokens = [];
  parse(code, { ecmaVersion: 'latest', sourceType: 'module', onToken: tokens, allowHashBang: true });
  const pieces = [];
  let [start, lineStart] = [0, 0];
  // Characters that were put into the line.
  let added = 0;
  let lastBreak;
  let earlierBreak;
  let last = ['', ''];
  for (const { type, start: from, end } of tokens) {
    const newline = code.lastIndexOf('\n', from - 1) + 1;
    if (newline > lineStart) [lineStart, lastBreak, added] = [newline, undefined, 0];
    if (lastBreak === from && BOUND.has(type.label)) lastBreak = earlierBreak;
    // esbuild drops it along with the white space.
    const comment = type.label === 'name' && last.join('') === 'import(' ? IGNORE : '';
    if (end - lineStart + added + comment.length > MAX_LINE && lastBreak !== undefined) {
      pieces.push(code.slice(start, lastBreak), '\n');
      [start, lineStart, lastBreak, added] = [lastBreak, lastBreak, undefined, 0];
    }
    if (comment !== '') {
      pieces.push(code.slice(start, from), comment);
      [start, lastBreak, added] = [from, undefined, added + comment.length];
    }
    last = [last[1], type.label];
    if (BREAKABLE.has(type.label) && code[end] !== '\n') [earlierBreak, lastBreak] = [lastBreak, end];
  }
  pieces.push(code.slice(start));
  return pieces.join('');
}

/**
 * Lets an ES module ask for the modules of Node.js as CommonJS does. An `import` lists all that such a module exports, and
 * loads what is loaded on first use: node:fs takes 3 ms of a start on Node.js 20, and 6 on later versions.
 */
function askForBuiltins(code) {
  const { body } = parse(code, { ecmaVersion: 'latest', sourceType: 'module', allowHashBang: true });
  const [hashBang = ''] = /^#!.*\n/.exec(code) ?? [];
  const asked = [];
  let rest = '';
  let end = hashBang.length;
  for (const { type, start, end: after, source, specifiers } of body) {
    if (type !== 'ImportDeclaration' || !source.value.startsWith('node:')) continue;
    const names = specifiers.map(({ type: kind, imported, local }) => {
      if (kind !== 'ImportSpecifier') return local.name;
      return imported.name === local.name ? local.name : `${imported.name}:${local.name}`;
    });
    const bound = specifiers[0].type === 'ImportSpecifier' ? `{${names.join(',')}}` : names[0];
    asked.push(`${bound}=process.getBuiltinModule("${source.value}")`);
    rest += code.slice(end, start);
    end = after;
  }
  return hashBang + (asked.length === 0 ? '' : `const ${asked.join(',')};`) + rest + code.slice(end);
}

/** Finishes every file that was built. */
function finishAll() {
  for (const name of readdirSync(join(root, 'dist'), { recursive: true })) {
    if (!name.endsWith('.js')) continue;
    const path = join(root, 'dist', name);
    const code = readFileSync(path, 'utf8');
    writeFileSync(path, wrap(name.startsWith('esm') ? askForBuiltins(code) : code));
  }
}

rmSync(join(root, 'dist'), { recursive: true, force: true });
await buildCommonJs(await buildEsModules());
finishAll();
if (!process.argv.includes('--js')) {
  await buildTypes();
  const man = execFileSync(process.execPath, [join(root, manifest.bin.goldkey), 'man-page']);
  writeFileSync(join(root, manifest.man), man);
}
