import type { IRegularForbiddenRuleType } from 'dependency-cruiser';

// Who may import whom in src, types included: by folder, so that a new file needs no line here. Run by
// test/architecture/dependencies.test.ts, which shows that each rule can fail.

/** The folders of the core, from the ground up. Files beside them are their common words: types, errors, options. */
export const CORE: readonly string[] = ['util', 'redaction', 'cache', 'state', 'recovery', 'call', 'client'];

/** The folders above the core, from the ground up. */
export const ABOVE: readonly string[] = [
  'util',
  'redis',
  'http',
  'aws',
  'providers',
  'prices',
  'rotation',
  'pool',
  'lambda',
  'hmac',
  'envelope',
  'audit',
  'watch',
  'opentelemetry',
  'testing',
  'cli',
];

type Rule = Omit<IRegularForbiddenRuleType, 'severity' | 'scope'>;

/** One rule a folder: it imports nothing that stands above it. */
const upwards = (name: string, root: string, folders: readonly string[]): Rule[] =>
  folders.slice(0, -1).map((folder, index) => ({
    name: `${name}-${folder}`,
    comment: `${root}${folder} stands below ${folders.slice(index + 1).join(', ')}.`,
    from: { path: `^${root}${folder}/` },
    to: { path: `^${root}(${folders.slice(index + 1).join('|')})/` },
  }));

const RULES: readonly Rule[] = [
  { name: 'no-circles', comment: 'Imports lead downwards only.', from: {}, to: { circular: true } },
  ...upwards('core-order', 'src/core/', CORE),
  {
    name: 'core-common-words',
    comment: 'What every folder of the core imports stands on core/util alone.',
    from: { path: '^src/core/[^/]+$', pathNot: '^src/core/index[.]ts$' },
    to: { path: '^src/core/', pathNot: '^src/core/(util/|[^/]+$)' },
  },
  {
    name: 'core-alone',
    comment: 'The core imports nothing that stands above it.',
    from: { path: '^src/core/' },
    to: { path: '^src/', pathNot: '^src/core/' },
  },
  {
    name: 'core-from-its-index',
    comment: 'What stands above the core imports it from its index, so that it is published as one file.',
    from: { path: '^src/', pathNot: '^src/core/' },
    to: { path: '^src/core/', pathNot: '^src/core/index[.]ts$' },
  },
  {
    name: 'no-index-inside-the-core',
    comment: 'Its index would make a circle.',
    from: { path: '^src/core/' },
    to: { path: '^src/core/index[.]ts$' },
  },
  ...upwards('order', 'src/', ABOVE),
  {
    name: 'root-is-the-core',
    comment: '`goldkey` itself holds the core alone.',
    from: { path: '^src/[^/]+$' },
    to: { path: '^src/', pathNot: '^src/core/' },
  },
  {
    name: 'providers-apart',
    comment: 'A key store knows no other; a ring store may use the connection of its own.',
    from: { path: '^src/(?:providers|rotation/stores)/([^/]+)/' },
    to: { path: '^src/providers/', pathNot: '^src/providers/($1|shared)/' },
  },
  {
    name: 'providers-are-given',
    comment: 'The other folders take the key store that they are given; the command makes them all.',
    from: { path: '^src/', pathNot: '^src/(providers|rotation/stores|cli|envelope)/' },
    to: { path: '^src/providers/' },
  },
  {
    name: 'envelope-is-given-ciphers',
    comment: 'An envelope checks contexts and reads documents as key stores do, and knows none of them.',
    from: { path: '^src/envelope/' },
    to: { path: '^src/providers/', pathNot: '^src/providers/shared/' },
  },
  {
    name: 'declared-packages',
    comment: 'A package is a dependency or a peer; p-retry is built in.',
    from: { path: '^src/' },
    to: {
      path: '^node_modules/',
      pathNot: '^node_modules/(p-retry|@types)/',
      dependencyTypesNot: ['npm', 'npm-peer'],
    },
  },
];

export const rules: IRegularForbiddenRuleType[] = RULES.map((rule) => ({ severity: 'error', ...rule }));
