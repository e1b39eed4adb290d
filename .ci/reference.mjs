// Builds the API reference: a static site with a page for every export of the subpaths in package.json, the guides and their
// programs, and the README in front.
//
//   node .ci/reference.mjs            into reference/
//   node .ci/reference.mjs <folder>   into that folder
//
// A warning fails it: an export or a member without documentation, a type that no subpath exports, a link that leads nowhere.
// Where GITHUB_REPOSITORY is set, as in a workflow, every declaration of this repository links to its source at that commit.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import {
  Application,
  Converter,
  CommentTag,
  DocumentReflection,
  KindRouter,
  MinimalSourceFile,
  normalizePath,
  ReflectionKind,
  TSConfigReader,
} from 'typedoc';

const root = resolve(import.meta.dirname, '..');
const out = resolve(process.argv[2] ?? join(root, 'reference'));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_SHA: commit } = process.env;

/** The import specifiers by the source of their types: `./dist/esm/providers/kms/index.d.ts` is `goldkey/kms`. */
const subpaths = new Map(
  Object.entries(manifest.exports)
    .filter(([, target]) => typeof target === 'object')
    .map(([subpath, { import: target }]) => [
      normalizePath(join(root, target.types.replace('./dist/esm', 'src').replace(/\.d\.ts$/, '.ts'))),
      subpath.replace('.', manifest.name),
    ]),
);
/** Languages of the programs that get a page. Other files are copied as they are. */
const LANGUAGES = { '.mjs': 'js', '.sh': 'sh', '.ts': 'ts', '.yml': 'yaml' };

const sources =
  repository === undefined
    ? { disableSources: true }
    : { disableGit: true, sourceLinkTemplate: `${server}/${repository}/blob/${commit}/{path}#L{line}` };
/** Addresses of the documents' pages, without `.html`. */
const addresses = new Map();
const app = await Application.bootstrap(
  {
    ...sources,
    name: manifest.name,
    tsconfig: join(root, 'tsconfig.json'),
    displayBasePath: root,
    entryPoints: [...subpaths.keys()],
    readme: join(root, 'README.md'),
    includeVersion: true,
    // `npm run types` does it.
    skipErrorChecking: true,
    excludeInternal: true,
    excludePrivate: true,
    requiredToBeDocumented: [
      ...['Module', 'Class', 'Interface', 'TypeAlias', 'Enum', 'EnumMember', 'Variable', 'Function'],
      ...['Constructor', 'Method', 'Property', 'Accessor', 'IndexSignature'],
    ],
    validation: {
      notExported: true,
      notDocumented: true,
      invalidLink: true,
      invalidPath: true,
      rewrittenLink: true,
      unusedMergeModuleWith: true,
    },
    preservedTypeAnnotationTags: ['@throws'],
    hideGenerator: true,
    headings: { readme: false },
    router: 'goldkey',
    searchInDocuments: true,
    // It would make `http://rotation.sh` of the name of a program.
    markdownItOptions: { html: true, linkify: false },
    navigation: { includeFolders: false },
    customCss: join(import.meta.dirname, 'reference.css'),
    lightHighlightTheme: 'github-light-high-contrast',
    darkHighlightTheme: 'github-dark-high-contrast',
    highlightLanguages: ['ini', 'javascript', 'json', 'python', 'shellscript', 'typescript', 'yaml'],
  },
  [new TSConfigReader()],
);

app.renderer.defineRouter(
  'goldkey',
  class extends KindRouter {
    getIdealBaseName(reflection) {
      return addresses.get(reflection) ?? super.getIdealBaseName(reflection);
    }
  },
);
app.converter.on(Converter.EVENT_CREATE_DECLARATION, (context, reflection) => {
  if (!reflection.kindOf(ReflectionKind.Module)) return;
  const [{ fileName }] = context.getSymbolFromReflection(reflection).declarations;
  reflection.name = subpaths.get(normalizePath(fileName));
});
app.converter.on(Converter.EVENT_BEGIN, ({ project }) => {
  const guides = addPage(project, 'examples/README.md', 'guides/index');
  // In the order of the table there.
  const table = readFileSync(join(root, 'examples/README.md'), 'utf8').matchAll(/\]\(([\w-]+)\/README\.md\)/g);
  for (const [, name] of table) {
    const guide = addPage(guides, `examples/${name}/README.md`, `guides/${name}/index`);
    addPrograms(guide, `examples/${name}`, `guides/${name}`);
  }
  addPrograms(guides, 'examples', 'guides');
  addPage(project, '.github/SECURITY.md', 'security');
  addPage(project, '.github/CONTRIBUTING.md', 'contributing');
  addPage(project, 'test/bench/RESULTS.md', 'benchmark');
});
app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
  const errors = new Map(project.getReflectionsByKind(ReflectionKind.Class).map((error) => [error.name, error]));
  for (const reflection of Object.values(project.reflections)) {
    if (reflection.comment !== undefined) listErrors(reflection.comment, errors);
    // What a class has from the types of Node.js or of the language has no source in this repository.
    if (reflection.sources?.some(isForeign)) reflection.sources = reflection.sources.filter((one) => !isForeign(one));
  }
});

function isForeign({ fullFileName }) {
  return /(?:^|[\\/])(?:node_modules|\.\.)[\\/]/.test(relative(root, fullFileName));
}

/** Adds a page for each program in a folder. */
function addPrograms(parent, folder, address) {
  const names = readdirSync(join(root, folder)).filter((name) => extname(name) in LANGUAGES);
  for (const name of names) addPage(parent, `${folder}/${name}`, `${address}/${name}`);
}

/** Adds the page of a document or a program, and lets links to its file lead there; to its folder, if it is a README. */
function addPage(parent, path, address) {
  const { project } = parent;
  const file = normalizePath(join(root, path));
  const text = readFileSync(file, 'utf8');
  const language = LANGUAGES[extname(path)];
  const code = `# ${basename(path)}\n\n\`\`\`\`${language}\n${text}\`\`\`\`\n`;
  const markdown = language === undefined ? text : code;
  const { content } = app.converter.parseRawComment(new MinimalSourceFile(markdown, file), project.files);
  const [, title] = /^# (.+)$/m.exec(markdown);
  const page = new DocumentReflection(title, parent, content, {});
  addresses.set(page, address);
  parent.addChild(page);
  project.registerReflection(page, undefined, file);
  if (basename(path) === 'README.md') project.files.registerReflectionPath(normalizePath(dirname(file)), page);
  return page;
}

/** Makes one list of the `@throws` of a comment, with links to the classes. typedoc gives each a heading. */
function listErrors(comment, errors) {
  const tags = comment.getTags('@throws');
  if (tags.length === 0) return;
  const items = tags.map(({ typeAnnotation = '', content }) => {
    const names = typeAnnotation.match(/\w+/g) ?? [];
    const links = names.map((name, index) => [{ kind: 'text', text: index === 0 ? '' : ' | ' }, linkTo(name, errors)]);
    const separator = names.length === 0 ? '' : ': ';
    return [
      { kind: 'text', text: '- ' },
      ...links.flat(),
      { kind: 'text', text: separator },
      ...content,
      { kind: 'text', text: '\n' },
    ];
  });
  comment.blockTags.splice(comment.blockTags.indexOf(tags[0]), 1, new CommentTag('@throws', items.flat()));
  comment.blockTags = comment.blockTags.filter((tag) => !tags.includes(tag));
}

function linkTo(name, errors) {
  const target = errors.get(name);
  if (target === undefined) return { kind: 'code', text: `\`${name}\`` };
  return { kind: 'inline-tag', tag: '@link', text: name, target };
}

/** Ends with exit code 1 if there was a warning: what is wrong has been printed. */
function exitOnWarnings() {
  const { errorCount, warningCount, validationWarningCount } = app.logger;
  if (errorCount + warningCount + validationWarningCount > 0) process.exit(1);
}

/** Ends with exit code 1 if a page links to where nothing is: into node_modules, or to a file name taken for a host. */
function exitOnWrongLinks() {
  const names = readdirSync(out, { recursive: true }).filter((name) => name.endsWith('.html'));
  const wrong = names.flatMap((name) => {
    const links = readFileSync(join(out, name), 'utf8').matchAll(/ href="([^"]*\/node_modules\/[^"]*|http:[^"]*)"/g);
    return [...links].map(([, link]) => `${name}: ${link}`);
  });
  for (const link of wrong) app.logger.error(`This link leads nowhere: ${link}`);
  exitOnWarnings();
}

const project = await app.convert();
if (project !== undefined) app.validate(project);
exitOnWarnings();
await app.generateDocs(project, out);
exitOnWarnings();
exitOnWrongLinks();
