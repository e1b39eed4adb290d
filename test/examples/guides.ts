import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const below = (folder: string, ending: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name).replaceAll('\\', '/'))
    .toSorted();

/** The guides, by their path in the repository. */
export const guides: readonly string[] = below('examples', '.md');

/** Every document that a user or a contributor reads. */
export const documents: readonly string[] = [
  'README.md',
  ...guides,
  ...below('.github', '.md'),
  'test/bench/RESULTS.md',
];

/** The programs of the guides. */
export const programs: readonly string[] = [...below('examples', '.mjs'), ...below('examples', '.sh')];

/** Returns the text of a document or a program. */
export function readDocument(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Returns the fenced blocks of one language. */
export function snippetsIn(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, code]) => code as string);
}

/** A snippet of a document, named for its place. */
export interface Snippet {
  readonly name: string;
  readonly code: string;
}

/** Returns the programs that stand in the README and the guides. */
export function documentSnippets(): Snippet[] {
  return ['README.md', ...guides].flatMap((path) =>
    snippetsIn(readDocument(path), 'ts').map((code, index) => ({
      name: `${path}, program ${String(index + 1)}`,
      code,
    })),
  );
}

/** Returns the links of a document that lead to a place in the repository, and the pictures. */
export function linksIn(path: string): string[] {
  const text = readDocument(path).replaceAll(/^```.*?^```/gms, '');
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g), ...text.matchAll(/\b(?:src|srcset|href)="([^"]+)"/g)];
  return links.map(([, link]) => link as string).filter((link) => !/^[a-z]+:/.test(link));
}

/** Returns the path in the repository that a link leads to, with its fragment. */
export function linkTarget(from: string, link: string): { path: string; fragment: string } {
  const [path = '', fragment = ''] = link.split('#');
  const target = path === '' ? from : relative(ROOT, resolve(ROOT, dirname(from), path)).replaceAll('\\', '/');
  return { path: target, fragment };
}

/** Whether a link leads to a file or folder of the repository and, with a fragment, to one of its headings. */
export function resolves(from: string, link: string): boolean {
  const { path, fragment } = linkTarget(from, link);
  if (!existsSync(join(ROOT, path))) return false;
  if (fragment === '') return true;
  const document = path.endsWith('.md') ? path : `${path}/README.md`;
  return existsSync(join(ROOT, document)) && headingsIn(readDocument(document)).includes(fragment);
}

/** Returns the anchors of a document's headings, as GitHub makes them. */
function headingsIn(text: string): string[] {
  return [...text.replaceAll(/^```.*?^```/gms, '').matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    (heading as string)
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  );
}
