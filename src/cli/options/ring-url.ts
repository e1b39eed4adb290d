import { basename } from 'node:path';
import type { RingStore } from '../../rotation/index.js';
import { UsageError } from '../errors.js';
import type { CliIo } from '../io.js';
import { buildClientConfig, type CommandOptions } from './command-options.js';

/** An opened ring store, and the name of the ring in it. */
export interface Ring {
  readonly store: RingStore;
  readonly name: string;
}

/** Opens a ring by the value of `--ring`, whole and without its scheme. */
type Open = (url: string, rest: string, options: CommandOptions, io: CliIo) => Promise<Ring>;

const RINGS: ReadonlyMap<string, Open> = new Map([
  ['file', openFile],
  ['redis', openRedis],
  ['rediss', openRedis],
  ['dynamodb', openDynamoDb],
  ['vault', openVault],
]);

/** Opens the ring that `--ring` names: a file, or a store by its URL. */
export async function openRing(io: CliIo, options: CommandOptions): Promise<Ring> {
  const { ring: url = '' } = options;
  if (url === '') {
    throw new UsageError(
      '--ring is required: a file, rediss://host/name, dynamodb://table/name or vault://mount/path.',
    );
  }
  const [, scheme = 'file', rest = url] = /^([a-z]+):\/\/(.*)$/s.exec(url) ?? [];
  const open = RINGS.get(scheme);
  if (open === undefined) {
    throw new UsageError('--ring must be a file, or start with rediss://, dynamodb:// or vault://.');
  }
  return open(url, rest, options, io);
}

async function openFile(_: string, path: string, { name }: CommandOptions): Promise<Ring> {
  const { fileRing } = await import('../../rotation/index.js');
  return { store: fileRing(path), name: requireName(name ?? basename(path).replace(/\..*$/, '')) };
}

/** Opens `rediss://host:6379/0/gold`: a number is the database, a name the ring. */
async function openRedis(url: string, _: string, { name }: CommandOptions): Promise<Ring> {
  const parsed = parseUrl(url);
  const segments = splitPath(parsed.pathname);
  const isDatabase = (segment: string): boolean => /^\d+$/.test(segment);
  const key = requireName(segments.find((segment) => !isDatabase(segment)) ?? name);
  parsed.pathname = `/${segments.find(isDatabase) ?? ''}`;
  const { redisRing } = await import('../../rotation/stores/redis/index.js');
  return { store: redisRing({ key, url: parsed.href }), name: name ?? key };
}

/** Opens `dynamodb://table/gold`, with `?endpoint=` and `?region=` where they differ from the SDK's. */
async function openDynamoDb(url: string, rest: string, options: CommandOptions, io: CliIo): Promise<Ring> {
  const { searchParams, pathname } = parseUrl(url);
  const tableName = decodeURIComponent(/^[^/?#]+/.exec(rest)?.[0] ?? '');
  if (tableName === '') throw new UsageError('--ring dynamodb://… must name a table.');
  const key = splitPath(pathname).at(-1) ?? options.name ?? tableName;
  const endpointUrl = searchParams.get('endpoint') ?? undefined;
  const region = searchParams.get('region') ?? options.region;
  const config = buildClientConfig(io, { profile: options.profile, endpointUrl });
  const { dynamoDbRing } = await import('../../rotation/stores/dynamodb/index.js');
  const clientConfig = region === undefined ? config : { ...config, region };
  return { store: dynamoDbRing({ tableName, name: key, clientConfig }), name: options.name ?? key };
}

/** Opens `vault://secret/rings/gold`: the mount and the path in it. VAULT_ADDR and VAULT_TOKEN hold address and token. */
async function openVault(_: string, rest: string, { name }: CommandOptions): Promise<Ring> {
  const [, mount, path] = /^([^/?#]+)\/([^?#]+)$/.exec(rest) ?? [];
  if (mount === undefined || path === undefined) throw new UsageError('--ring vault://… must name a mount and a path.');
  const { vaultRing } = await import('../../rotation/stores/vault/index.js');
  return { store: vaultRing({ mount, path }), name: requireName(name ?? path.split('/').at(-1)) };
}

function parseUrl(text: string): URL {
  // Without the parser's error, which quotes the URL: it may hold a password.
  if (!URL.canParse(text)) throw new UsageError('--ring is not a valid URL.');
  return new URL(text);
}

function splitPath(pathname: string): string[] {
  return pathname.split('/').filter(Boolean).map(decodeURIComponent);
}

function requireName(name: string | undefined): string {
  if (name !== undefined && name !== '') return name;
  throw new UsageError('--name is required, because --ring does not name the ring.');
}
