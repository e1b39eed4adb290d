import { basename } from 'node:path';
import type { RingStore } from '../../rotation/index.js';
import { UsageError } from '../errors.js';
import type { CliIo } from '../io.js';
import { clientConfigOf, type RingOptions, type StoreOptions } from './store-options.js';

/** What `--ring` and `--name` come to. */
export interface Ring {
  readonly store: RingStore;
  readonly name: string;
}

/** Opens the ring that `--ring` names: a file, or a store by its URL. */
export async function ringOf(io: CliIo, options: StoreOptions & RingOptions): Promise<Ring> {
  const { ring, name } = options;
  if (ring === undefined || ring === '') {
    throw new UsageError(
      '--ring is required: a file, rediss://host/name, dynamodb://table/name or vault://mount/path.',
    );
  }
  const scheme = /^([a-z]+):\/\//.exec(ring)?.[1];
  switch (scheme) {
    case undefined:
    case 'file':
      return fromFile(scheme === undefined ? ring : ring.slice('file://'.length), name);
    case 'redis':
    case 'rediss':
      return fromRedis(ring, name);
    case 'dynamodb':
      return fromDynamoDb(io, ring, options);
    case 'vault':
      return fromVault(ring, name);
    default:
      throw new UsageError('--ring must be a file, or start with rediss://, dynamodb:// or vault://.');
  }
}

async function fromFile(path: string, name: string | undefined): Promise<Ring> {
  const { fileRing } = await import('../../rotation/index.js');
  const stem = basename(path).replace(/\..*$/, '');
  return { store: fileRing(path), name: name ?? named(stem) };
}

/** `rediss://host:6379/0/gold`: a number is the database, a name the ring. */
async function fromRedis(text: string, name: string | undefined): Promise<Ring> {
  const url = urlOf(text);
  const segments = segmentsOf(url);
  const key = segments.find((segment) => !/^\d+$/.test(segment)) ?? named(name);
  url.pathname = `/${segments.find((segment) => /^\d+$/.test(segment)) ?? ''}`;
  const { redisRing } = await import('../../rotation/stores/redis/index.js');
  return { store: redisRing({ key, url: url.href }), name: name ?? key };
}

/** `dynamodb://table/gold`, with `?endpoint=` and `?region=` where they are not the SDK's. */
async function fromDynamoDb(io: CliIo, text: string, options: StoreOptions & RingOptions): Promise<Ring> {
  const url = urlOf(text);
  const tableName = decodeURIComponent(/^dynamodb:\/\/([^/?#]+)/.exec(text)?.[1] ?? '');
  if (tableName === '') throw new UsageError('--ring dynamodb://… must name a table.');
  const key = segmentsOf(url).at(-1) ?? named(options.name ?? tableName);
  const region = url.searchParams.get('region') ?? options.region;
  const config = clientConfigOf(io, {
    profile: options.profile,
    endpointUrl: url.searchParams.get('endpoint') ?? undefined,
  });
  const { dynamoDbRing } = await import('../../rotation/stores/dynamodb/index.js');
  const clientConfig = region === undefined ? config : { ...config, region };
  return { store: dynamoDbRing({ tableName, name: key, clientConfig }), name: options.name ?? key };
}

/** `vault://secret/rings/gold`: the mount, and the path in it. Address and token come from VAULT_ADDR and VAULT_TOKEN. */
async function fromVault(text: string, name: string | undefined): Promise<Ring> {
  const [, mount, path] = /^vault:\/\/([^/?#]+)\/([^?#]+)$/.exec(text) ?? [];
  if (mount === undefined || path === undefined) throw new UsageError('--ring vault://… must name a mount and a path.');
  const { vaultRing } = await import('../../rotation/stores/vault/index.js');
  return { store: vaultRing({ mount, path }), name: name ?? named(path.split('/').at(-1)) };
}

function urlOf(text: string): URL {
  try {
    return new URL(text);
  } catch {
    // Not the parser's message: a URL may hold a password.
    throw new UsageError('--ring is no valid URL.');
  }
}

function segmentsOf({ pathname }: URL): string[] {
  return pathname
    .split('/')
    .filter((segment) => segment !== '')
    .map((segment) => decodeURIComponent(segment));
}

function named(name: string | undefined): string {
  if (name !== undefined && name !== '') return name;
  throw new UsageError('--name is required: --ring does not say what the ring is called.');
}
