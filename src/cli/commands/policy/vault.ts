import { UsageError } from '../../errors.js';
import type { PolicyRole } from './names.js';
import type { RingPlace, StorePlace, VaultPlace } from './places.js';

type Paths = [path: string, capabilities: readonly string[]][];

const WRITE = ['create', 'read', 'update'];
const NOT_CREATOR = '--for creator is for KMS keys: goldkey makes neither keys nor mounts in Vault.';

/** Returns the capabilities by path, for what lies in Vault: the key, the transit key, the ring. */
export function buildVaultPolicy(role: PolicyRole, store: StorePlace, ring: RingPlace | undefined): Paths {
  if (role === 'creator') throw new UsageError(NOT_CREATOR);
  const paths: Paths = [];
  if (store.kind === 'vault') paths.push(...listSecretPaths(role, store));
  if (store.kind === 'vault-transit') paths.push(...listTransitPaths(role, store));
  if (ring?.kind === 'vault') paths.push(...listRingPaths(role, ring));
  if (paths.length > 0) return paths;
  throw new UsageError('--format vault needs --store vault://… or vault-transit://…, or --ring vault://….');
}

/** A reader compares the metadata, so that an unchanged version is not read again. */
function listSecretPaths(role: PolicyRole, { mount, path }: VaultPlace): Paths {
  if (role === 'writer' || role === 'rotator') return [[`${mount}/data/${path}`, WRITE]];
  const metadata: Paths = [[`${mount}/metadata/${path}`, ['read']]];
  return role === 'doctor' ? metadata : [[`${mount}/data/${path}`, ['read']], ...metadata];
}

/** `update` alone: with `create` Vault would make a key of any name that a request asks for. */
function listTransitPaths(role: PolicyRole, { mount, path: name }: VaultPlace): Paths {
  if (role === 'doctor') return [[`${mount}/keys/${name}`, ['read']]];
  const actions = { reader: ['decrypt'], writer: ['encrypt'], rotator: ['decrypt', 'encrypt'], creator: [] }[role];
  return actions.map((action) => [`${mount}/${action}/${name}`, ['update']]);
}

function listRingPaths(role: PolicyRole, { mount, path }: VaultPlace): Paths {
  const ring = `${mount}/data/${path}`;
  if (role === 'rotator')
    return [
      [ring, WRITE],
      [`${ring}.lease`, WRITE],
    ];
  return [[ring, role === 'writer' ? WRITE : ['read']]];
}

/** Returns a policy in Vault's language, or as the JSON that Vault takes too. */
export function formatVaultPolicy(paths: Paths, json: boolean): string {
  if (json) {
    const rules = paths.map(([path, capabilities]) => [path, { capabilities }] as const);
    return JSON.stringify({ path: Object.fromEntries(rules) });
  }
  const quoteAll = (texts: readonly string[]): string => texts.map((text) => `"${text}"`).join(', ');
  return paths
    .map(([path, capabilities]) => `path "${path}" {\n  capabilities = [${quoteAll(capabilities)}]\n}`)
    .join('\n\n');
}
