import { readFile } from 'node:fs/promises';
import { KeyProviderError } from '../../core/index.js';
import { VAULT } from './failures.js';
import { isPlainHttp, parsedAddress, type CheckedVaultAuth, type CheckedVaultConnection } from './options.js';
import { isPrintableAscii } from '../../util/ascii.js';

/** What a connection needs to know, complete. */
export interface VaultSettings {
  readonly address: URL;
  readonly auth: CheckedVaultAuth;
  readonly namespace: string | undefined;
  /** PEM, when the system's authorities are not the ones to trust. */
  readonly ca: string | undefined;
}

/**
 * Completes the options from the variables that Vault's own client reads, and reads the file of authorities. A failure is
 * a `KeyProviderError`: a key in use serves on, and the next request looks again.
 */
export async function vaultSettings(checked: CheckedVaultConnection): Promise<VaultSettings> {
  const address = checked.address ?? addressFromEnvironment(checked.dangerouslyAllowHttp);
  const auth = checked.auth ?? authFromEnvironment();
  const namespace = checked.namespace ?? variable('VAULT_NAMESPACE');
  if (namespace !== undefined && !isPrintableAscii(namespace)) {
    throw fault('VAULT_NAMESPACE must be made of visible ASCII characters.');
  }
  const caFile = checked.caFile ?? variable('VAULT_CACERT');
  return { address, auth, namespace, ca: caFile === undefined ? undefined : await authorities(caFile) };
}

function addressFromEnvironment(allowHttp: boolean): URL {
  const address = variable('VAULT_ADDR');
  if (address === undefined) throw fault('There is no address of Vault; give `address` or set VAULT_ADDR.');
  const url = parsedAddress(address);
  if (typeof url === 'string') throw fault(`VAULT_ADDR ${url}.`);
  if (isPlainHttp(url) && !allowHttp) {
    throw fault(
      'Vault is not called over plain http, as VAULT_ADDR asks for; use https, an address on loopback, or `dangerouslyAllowHttp`.',
      { retryable: false },
    );
  }
  return url;
}

function authFromEnvironment(): CheckedVaultAuth {
  const token = variable('VAULT_TOKEN')?.trim();
  if (token === undefined) throw fault('There is no token for Vault; give `auth` or set VAULT_TOKEN.');
  if (!isPrintableAscii(token)) throw fault('VAULT_TOKEN must be a token of visible ASCII characters.');
  return { method: 'token', token };
}

async function authorities(caFile: string): Promise<string> {
  let pem: string;
  try {
    pem = await readFile(caFile, 'utf8');
  } catch (error) {
    throw fault(`The file of certificate authorities \`${caFile}\` cannot be read; check \`caFile\` or VAULT_CACERT.`, {
      cause: error,
    });
  }
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem;
  throw fault(`The file \`${caFile}\` holds no PEM certificate; check \`caFile\` or VAULT_CACERT.`);
}

/** An empty variable is an unset one, as it is to Vault's own client. */
function variable(name: string): string | undefined {
  const value = process.env[name];
  return value === '' ? undefined : value;
}

function fault(message: string, more: { cause?: unknown; retryable?: boolean } = {}): KeyProviderError {
  return new KeyProviderError(message, { ...more, provider: VAULT });
}
