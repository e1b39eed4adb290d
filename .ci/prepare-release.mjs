// Prepares a checkout for `npm pack` in the release workflow: package.json says where the sources are, which provenance
// needs, and the links and pictures of the README and the guides lead there, at the tag, because the page on npm has no files
// beside it.
//
//   GITHUB_SERVER_URL=… GITHUB_REPOSITORY=owner/name GITHUB_REF_NAME=v1.2.3 node .ci/prepare-release.mjs [folder]
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, posix, relative, resolve } from 'node:path';

const root = resolve(process.argv[2] ?? '.');
const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_REF_NAME: tag } = process.env;
if (!server || !repository || !tag) {
  throw new Error('GITHUB_SERVER_URL, GITHUB_REPOSITORY and GITHUB_REF_NAME are needed.');
}
const home = `${server}/${repository}`;

/** Returns the address of what a link of `document` leads to; a link that is absolute, or stays in its document, as it is. */
function resolveLink(document, link, isPicture) {
  if (/^(?:[a-z][a-z\d+.-]*:|#|\/\/)/i.test(link)) return link;
  const [, path, fragment = ''] = /^([^#]*)(#.*)?$/.exec(link);
  const target = posix.join(posix.dirname(document), path);
  const file = join(root, target);
  if (!existsSync(file)) throw new Error(`${document} links to ${link}, which does not exist.`);
  const kind = isPicture ? 'raw' : statSync(file).isDirectory() ? 'tree' : 'blob';
  return `${home}/${kind}/${tag}/${target.replace(/\/$/, '')}${fragment}`;
}

/** Returns the text with every link and picture made absolute. Code stays as it is. */
function withAbsoluteLinks(document, text) {
  const parts = text.split(/(^```.*?^```$|`[^`\n]+`)/ms);
  return parts
    .map((part, index) => {
      if (index % 2 === 1) return part;
      return part
        .replaceAll(/(!?)(\[[^\]]*\]\()([^)\s]+)/g, (_, mark, before, link) => {
          return `${mark}${before}${resolveLink(document, link, mark === '!')}`;
        })
        .replaceAll(/(\b(?:src|srcset)=")([^"]+)/g, (_, before, link) => before + resolveLink(document, link, true))
        .replaceAll(/(\bhref=")([^"]+)/g, (_, before, link) => before + resolveLink(document, link, false));
    })
    .join('');
}

const guides = readdirSync(join(root, 'examples'), { recursive: true }).filter((name) => name.endsWith('.md'));
for (const file of [join(root, 'README.md'), ...guides.map((name) => join(root, 'examples', name))]) {
  const document = relative(root, file).replaceAll('\\', '/');
  writeFileSync(file, withAbsoluteLinks(document, readFileSync(file, 'utf8')));
}

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
manifest.repository = { type: 'git', url: `git+${home}.git` };
manifest.bugs = `${home}/issues`;
manifest.homepage = `${home}#readme`;
writeFileSync(join(root, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
