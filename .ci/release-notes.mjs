// Prints the notes of a release in Markdown, from the Conventional Commits since the version tag before it. They are the
// changelog: made at the tag from the commits themselves, nobody has to write or commit a file for a release.
//
//   GITHUB_SERVER_URL=… GITHUB_REPOSITORY=owner/name GITHUB_REF_NAME=v1.2.3 node .ci/release-notes.mjs [folder]
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

const root = resolve(process.argv[2] ?? '.');
const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_REF_NAME: tag = 'HEAD' } = process.env;
const home = server && repository ? `${server}/${repository}` : undefined;

/** The types that a user of the package notices, in the order of the notes. */
const HEADINGS = { feat: 'Features', fix: 'Fixes', perf: 'Performance', revert: 'Taken back' };
/** The others that CONTRIBUTING.md asks for: a user notices nothing. */
const INNER = /^(?:build|chore|ci|docs|refactor|style|test)$/;

function git(...args) {
  // What git says of a missing tag is no news.
  return execFileSync('git', args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

/** Returns what git prints, or `undefined` if it fails. */
function tryGit(...args) {
  try {
    return git(...args).trim();
  } catch {
    return undefined;
  }
}

/** Ends the program if the commits or the tags of the release may be missing: nobody could tell from the notes. */
function requireHistory() {
  const isShallow = tryGit('rev-parse', '--is-shallow-repository') !== 'false';
  if (!isShallow && tryGit('rev-parse', '--verify', `${tag}^{commit}`) !== undefined) return;
  const missing = isShallow ? `${root} has not the whole history` : `${root} has no ${tag}`;
  const how = '`git fetch --unshallow --tags`, or actions/checkout with `fetch-depth: 0`';
  process.stderr.write(`${missing}: fetch the history and the tags (${how}).\n`);
  process.exit(1);
}

/**
 * Returns the version tag that the notes begin at, or `undefined` for the first release. A release begins at the last one
 * before it that is no prerelease: what its own prereleases brought is new to most users.
 */
function findPrevious() {
  const isPrerelease = /^v\d+\.\d+\.\d+-/.test(tag);
  const skipped = isPrerelease ? [] : ['--exclude', 'v*-*'];
  return tryGit('describe', '--tags', '--abbrev=0', '--match', 'v[0-9]*.[0-9]*.[0-9]*', ...skipped, `${tag}^`);
}

/** Returns the commits of the release, the newest first, without merges, and without those that another took back. */
function readCommits(previous) {
  const range = previous === undefined ? tag : `${previous}..${tag}`;
  const fields = git('log', '-z', '--no-merges', '--format=%H%x00%h%x00%s%x00%b', range).split('\0');
  const commits = [];
  for (let at = 0; at + 4 <= fields.length; at += 4) {
    const [id, hash, subject, body] = fields.slice(at, at + 4);
    commits.push({ id, title: subject, body, hash, ...parse(subject), breaks: readBreak(subject, body) });
  }
  return withoutReverted(commits);
}

/** Returns the commits, the newest first, without those that leave nothing: a commit and the one that takes it back. */
function withoutReverted(commits) {
  const gone = new Set();
  for (const [index, commit] of commits.entries()) {
    // What took a commit back and was taken back itself, a newer one has seen to.
    if (gone.has(commit)) continue;
    const older = commits.slice(index + 1).filter((one) => !gone.has(one));
    const reverted = findReverted(commit, older);
    if (reverted.length === 0 || reverted.includes(undefined)) continue;
    for (const one of [commit, ...reverted]) gone.add(one);
  }
  return commits.filter((commit) => !gone.has(commit));
}

/** Returns the older commits that a commit takes back, `undefined` in the place of one of an earlier release. */
function findReverted({ title, body }, older) {
  const ids = [...body.matchAll(/^This reverts commit ([\da-f]{7,64})\b/gm)].map(([, id]) => id);
  if (ids.length > 0) return ids.map((id) => older.find((one) => one.id.startsWith(id)));
  // A pull request that takes another back names it by its title alone.
  const [, reverted] = /^Revert "(.+)"$/.exec(withoutNumber(title)) ?? [];
  return reverted === undefined ? [] : [older.find((one) => withoutNumber(one.title) === withoutNumber(reverted))];
}

/** Returns a subject without the number of the pull request behind it. */
function withoutNumber(subject) {
  return subject.replace(/ \(#\d+\)$/, '');
}

/** Reads `type(scope): subject`, also between the quotes of a revert; another subject has no type. */
function parse(subject) {
  const given = withoutNumber(subject).replace(/^Revert "Revert (".+")"$/, 'Reapply $1');
  const [, verb, quoted] = /^(Revert|Reapply) "(.+)"$/.exec(given) ?? [];
  if (quoted !== undefined) {
    const inner = parse(quoted);
    return verb === 'Reapply' || INNER.test(inner.type) ? inner : { ...inner, type: 'revert' };
  }
  const [, type, scope, text] = /^(\w+)(?:\(([^)]*)\))?!?: (.+)$/.exec(subject) ?? [];
  return type === undefined ? { subject } : { type, scope, subject: text };
}

/** Returns what a commit says of the change that users have to follow: `undefined` if there is none, '' if it only marks it. */
function readBreak(subject, body) {
  const footer = /^BREAKING[ -]CHANGE: ([^]+?)(?=\n\n|\n[\w-]+: |$(?![^]))/m.exec(body);
  if (footer !== null) return footer[1].replaceAll(/\s+/g, ' ').trim();
  return /^\w+(?:\([^)]*\))?!: /.test(subject) ? '' : undefined;
}

/** Returns the line of a commit. */
function describe({ hash, scope, subject, breaks }) {
  const link = home === undefined ? hash : `[${hash}](${home}/commit/${hash})`;
  const more = breaks ? `\n  ${toMarkdown(breaks)}` : '';
  return `- ${scope === undefined ? '' : `**${toMarkdown(scope)}:** `}${toMarkdown(subject)} (${link})${more}`;
}

/**
 * Returns a text of a commit as Markdown that shows it as it is, on one line. Only code between backticks stays code. A name
 * behind an `@` becomes code: a mention would send mail to whoever is called so.
 */
function toMarkdown(text) {
  const visible = text.replaceAll(/[\p{Cc}\p{Bidi_Control}\s]+/gu, ' ').trim();
  const inline = /(?<code>(?<!`)(`+)(?!`).+?(?<!`)\2(?!`))|(?<mention>(?<![\w/])@[\w/-]+)|[\\`*_~[\]<]|&(?=#?\w+;)/g;
  const escaped = visible.replaceAll(inline, (found, ...given) => {
    const { code, mention } = given.at(-1);
    return code ?? (mention ? `\`${found}\`` : `\\${found}`);
  });
  // At the beginning of a line these would make a heading, a quotation or a list.
  return escaped.replace(/^(?=[#>+=-])|(?<=^\d+)(?=[.)])/, '\\');
}

requireHistory();
const previous = findPrevious();
const commits = readCommits(previous);
const told = new Set();
const sections = [];
const add = (heading, isPart) => {
  const part = commits.filter((commit) => !told.has(commit) && isPart(commit));
  for (const commit of part) told.add(commit);
  if (part.length > 0) sections.push(`## ${heading}\n\n${part.map(describe).join('\n')}`);
};
if (previous === undefined) {
  // What was changed and repaired before the first release nobody has seen.
  sections.push('The first release.');
  add(HEADINGS.feat, ({ type }) => type === 'feat');
} else {
  add('Breaking changes', ({ breaks }) => breaks !== undefined);
  for (const [type, heading] of Object.entries(HEADINGS)) add(heading, (commit) => commit.type === type);
  add('Other changes', ({ type }) => type === undefined || !INNER.test(type));
  const rest = commits.length - told.size;
  const ending = [];
  if (rest > 0) ending.push(`${rest} more of tests, documentation and tools.`);
  if (home !== undefined) ending.push(`[All changes](${home}/compare/${previous}...${tag})`);
  sections.push(ending.join(' '));
}
console.log(sections.filter((section) => section !== '').join('\n\n'));
