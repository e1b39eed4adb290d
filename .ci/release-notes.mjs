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

/** Returns the version tag before `tag`, or `undefined` for the first release. */
function findPrevious() {
  try {
    return git('describe', '--tags', '--abbrev=0', '--match', 'v[0-9]*', `${tag}^`).trim();
  } catch {
    return undefined;
  }
}

/** Returns the commits of the release, the newest first, without merges. */
function readCommits(previous) {
  const range = previous === undefined ? tag : `${previous}..${tag}`;
  const log = git('log', '--no-merges', '--format=%h%x00%s%x00%b%x01', range);
  return log
    .split('\x01')
    .map((entry) => entry.trim().split('\0'))
    .filter(([, subject]) => subject !== undefined)
    .map(([hash, subject, body = '']) => ({ hash, ...parse(subject), breaks: readBreak(subject, body) }));
}

/** Reads `type(scope): subject`; another subject has no type. */
function parse(subject) {
  const [, type, scope, text] = /^(\w+)(?:\(([^)]*)\))?!?: (.+)$/.exec(subject) ?? [];
  return type === undefined ? { subject } : { type, scope, subject: text };
}

/** Returns what a commit says of the change that users have to follow: `undefined` if there is none, '' if it only marks it. */
function readBreak(subject, body) {
  const footer = /^BREAKING[ -]CHANGE: ([^]+?)(?=\n\n|\n[\w-]+: |$(?![^]))/m.exec(body);
  if (footer !== null) return footer[1].replaceAll(/\s+/g, ' ').trim();
  return /^\w+(?:\([^)]*\))?!: /.test(subject) ? '' : undefined;
}

/** Returns the line of a commit. A name behind an `@` becomes code: a mention would send mail to whoever is called so. */
function describe({ hash, scope, subject, breaks }) {
  const link = home === undefined ? hash : `[${hash}](${home}/commit/${hash})`;
  const more = breaks ? `\n  ${breaks}` : '';
  const line = `- ${scope === undefined ? '' : `**${scope}:** `}${subject} (${link})${more}`;
  return line.replaceAll(/(`[^`]*`)|(?<![\w/`])@[\w/-]+/g, (found, code) => code ?? `\`${found}\``);
}

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
