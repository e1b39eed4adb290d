import { basename } from 'node:path';
import type { RotationOptions } from '../../rotation/index.js';
import { UsageError } from '../errors.js';
import type { CliIo } from '../io.js';
import type { CommandOptions } from './command-options.js';
import { buildAwsSettings, openNetwork } from './network.js';
import { requireAll, RING } from './required.js';
import { decodeRingPart, parseRingUrl } from './values.js';

/** An opened ring store, and the name of the ring in it. */
type Ring = Pick<RotationOptions, 'ring' | 'name'>;
/** Opens a ring by the value of `--ring`, whole and without its scheme. */
type Open = (url: string, rest: string, options: CommandOptions, io: CliIo) => Promise<Ring>;

/** Opens `rediss://host:6379/0/gold`: a number is the database, a name the ring. */
const openRedis: Open = async (url, _, { name, dangerouslyAllowHttp }) => {
  const parsed = parseRingUrl(url);
  const segments = splitPath(parsed.pathname);
  const isDatabase = (segment: string): boolean => /^\d+$/.test(segment);
  const key = requireName(segments.find((segment) => !isDatabase(segment)) ?? name);
  parsed.pathname = `/${segments.find(isDatabase) ?? ''}`;
  const { redisRing } = await import('../../rotation/stores/redis/index.js');
  const ring = redisRing({ key, url: parsed.href, dangerouslyAllowPlaintext: dangerouslyAllowHttp });
  return { ring, name: name ?? key };
};

const RINGS: ReadonlyMap<string, Open> = new Map(
  Object.entries<Open>({
    async file(_, path, { name }) {
      const { fileRing } = await import('../../rotation/index.js');
      return { ring: fileRing(path), name: requireName(name ?? basename(path).replace(/\..*$/, '')) };
    },
    redis: openRedis,
    rediss: openRedis,
    /** Opens `dynamodb://table/gold`, with `?endpoint=` and `?region=` where they differ from the SDK's. */
    async dynamodb(url, rest, options, io) {
      const { searchParams, pathname } = parseRingUrl(url);
      const tableName = decodeRingPart(/^[^/?#]+/.exec(rest)?.[0] ?? '');
      if (tableName === '') throw new UsageError('--ring dynamodb://… must name a table.');
      const key = splitPath(pathname).at(-1) ?? options.name ?? tableName;
      const endpointUrl = searchParams.get('endpoint') ?? undefined;
      const region = searchParams.get('region') ?? options.region;
      // The address of --endpoint-url is that of KMS.
      const settings = await buildAwsSettings(io, { ...options, region, endpointUrl });
      const { dynamoDbRing } = await import('../../rotation/stores/dynamodb/index.js');
      return { ring: dynamoDbRing({ tableName, name: key, ...settings }), name: options.name ?? key };
    },
    /** Opens `vault://secret/rings/gold`: the mount and the path in it. VAULT_ADDR and VAULT_TOKEN hold address and token. */
    async vault(_, rest, options, io) {
      const { name } = options;
      const [, mount, path] = /^([^/?#]+)\/([^?#]+)$/.exec(rest) ?? [];
      if (mount === undefined || path === undefined) {
        throw new UsageError('--ring vault://… must name a mount and a path.');
      }
      const { vaultRing } = await import('../../rotation/stores/vault/index.js');
      return {
        ring: vaultRing({ ...(await openNetwork(io, options)), mount, path }),
        name: requireName(name ?? path.split('/').at(-1)),
      };
    },
  }),
);

/** Opens the ring that `--ring` names: a file, or a store by its URL. */
export async function openRing(io: CliIo, options: CommandOptions): Promise<Ring> {
  const { ring: url = '' } = options;
  if (url === '') requireAll([RING]);
  const [, scheme = 'file', rest = url] = /^([a-z]+):\/\/(.*)$/s.exec(url) ?? [];
  const open = RINGS.get(scheme);
  if (open !== undefined) return open(url, rest, options, io);
  throw new UsageError('--ring must be a file, or start with rediss://, dynamodb:// or vault://.');
}

function splitPath(pathname: string): string[] {
  return pathname.split('/').filter(Boolean).map(decodeRingPart);
}

function requireName(name: string | undefined): string {
  if (name !== undefined && name !== '') return name;
  throw new UsageError('--name is required, because --ring does not name the ring.');
}
