import { basename } from 'node:path';
import { checkRingName } from '../../../rotation/ring/read-ring.js';
import { UsageError } from '../../errors.js';
import type { CommandOptions } from '../../options/command-options.js';
import { decodeRingPart, parseRingUrl } from '../../options/values.js';

/** The place of a ring, and its name, which its ciphertexts are bound to. */
export type RingPlace = { readonly name: string } & (
  | { readonly kind: 'file' | 'redis' }
  | { readonly kind: 'dynamodb'; readonly table: string; readonly item: string; readonly region: string | undefined }
  | ({ readonly kind: 'vault' } & VaultPlace)
);

/** The place of a key: a store by its URL, or a ciphertext under a KMS key. */
export type StorePlace =
  | { readonly kind: 'kms' }
  | { readonly kind: 'secrets-manager' | 'ssm'; readonly id: string }
  | ({ readonly kind: 'vault' | 'vault-transit' } & VaultPlace)
  | { readonly kind: 'azure-key-vault'; readonly vault: string; readonly secret: string };

/** A path in Vault as its policies name it. */
export interface VaultPlace {
  readonly mount: string;
  readonly path: string;
}

/** Returns the ring that `--ring` names, the URL of one or a file; a bare name is a file's, as for the other commands. */
export function parseRingPlace({ ring, name: given }: CommandOptions): RingPlace | undefined {
  if (ring === undefined) return undefined;
  const [, scheme = 'file', rest = ring] = /^([a-z]+):\/\/(.*)$/s.exec(ring) ?? [];
  const choose = (fallback: string | undefined): string => {
    const name = given ?? fallback ?? '';
    if (name === '') throw new UsageError('--name is required, because --ring does not name the ring.');
    return checkRingName(name);
  };
  if (scheme === 'file') return { kind: 'file', name: choose(basename(rest).replace(/\..*$/, '')) };
  if (scheme === 'vault') {
    const [, mount, path] = /^([^/?#]+)\/([^?#]+)$/.exec(rest) ?? [];
    const place = checkVaultPlace('--ring', mount, path);
    return { kind: 'vault', name: choose(place.path.split('/').at(-1)), ...place };
  }
  const { pathname, searchParams } = parseRingUrl(ring);
  const segments = pathname.split('/').filter(Boolean).map(decodeRingPart);
  if (scheme === 'redis' || scheme === 'rediss') {
    return { kind: 'redis', name: choose(segments.find((segment) => !/^\d+$/.test(segment))) };
  }
  if (scheme !== 'dynamodb') {
    throw new UsageError('--ring must be a name or a file, or start with rediss://, dynamodb:// or vault://.');
  }
  const table = decodeRingPart(/^[^/?#]*/.exec(rest)?.[0] ?? '');
  if (!/^(?:arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:\d{12}:table\/)?[\w.-]{3,255}$/.test(table)) {
    throw new UsageError('--ring dynamodb://… must name a table, or its ARN with every `/` written as %2F.');
  }
  const item = segments.at(-1) ?? given ?? table;
  return { kind: 'dynamodb', name: choose(item), table, item, region: searchParams.get('region') ?? undefined };
}

/** Returns the store that `--store` names; without it the key is a ciphertext under a KMS key. */
export function parseStorePlace({ store }: CommandOptions): StorePlace {
  if (store === undefined) return { kind: 'kms' };
  const [, scheme = '', path = ''] = /^([a-z-]+):\/\/([^#]*)/.exec(store) ?? [];
  const [, first = '', rest = ''] = /^([^/]+)\/(.+)$/.exec(path) ?? [];
  switch (scheme) {
    case 'secrets-manager':
    case 'ssm':
      return { kind: scheme, id: path };
    case 'vault':
    case 'vault-transit':
      return { kind: scheme, ...checkVaultPlace('--store', first, rest) };
    case 'azure-key-vault': {
      const [vault = ''] = first.split('.');
      if (/^[A-Za-z][A-Za-z0-9-]{2,23}$/.test(vault) && /^[A-Za-z0-9-]{1,127}$/.test(rest)) {
        return { kind: scheme, vault, secret: rest };
      }
      throw new UsageError('--store azure-key-vault://… must name a vault by its host, and a secret.');
    }
    default:
      throw new UsageError(
        '--store must start with secrets-manager://, ssm://, vault://, vault-transit:// or azure-key-vault://; a file is protected by its mode.',
      );
  }
}

/** Checks that a policy of Vault can name this path alone: `*` and `+` stand for other paths, braces for a template. */
function checkVaultPlace(flag: string, mount: string | undefined, path: string | undefined): VaultPlace {
  const parts = [mount, ...(path ?? '').replace(/^\/+|\/+$/g, '').split('/')];
  const isPath = parts.every((part = '') => !['', '.', '..', '+'].includes(part) && !/[*"\\{}\p{Cc}]/u.test(part));
  if (isPath && mount !== undefined) return { mount, path: parts.slice(1).join('/') };
  throw new UsageError(
    `${flag} must name a mount and a path in Vault, without *, + alone, quotation marks, backslashes or braces.`,
  );
}
