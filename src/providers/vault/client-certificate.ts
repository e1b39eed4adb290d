import { KeyProviderError } from '../../core/index.js';
import { quotePath } from '../../util/quote-path.js';
import { VAULT } from './errors.js';
import type { CheckedVaultAuth } from './options.js';
import { readTextFile } from './options.js';

/** A client's certificate and its private key, as PEM. */
export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
}

/** Reads the files of a login by certificate, for each login anew: a SPIFFE helper or cert-manager replaces them. */
export async function readClientCertificate(
  auth: Extract<CheckedVaultAuth, { method: 'cert' }>,
): Promise<ClientCertificate> {
  const [cert, key] = await Promise.all([
    readPem('client certificate', 'auth.certFile', auth.certFile, 'CERTIFICATE-----'),
    readPem('private key', 'auth.keyFile', auth.keyFile, 'PRIVATE KEY-----'),
  ]);
  return { cert, key };
}

async function readPem(kind: string, name: string, file: string, mark: string): Promise<string> {
  const text = await readTextFile(file, `The ${kind} ${quotePath(file)} cannot be read; check \`${name}\`.`);
  if (text.includes(mark)) return text;
  throw new KeyProviderError(`The file ${quotePath(file)} has no PEM ${kind}; check \`${name}\`.`, { provider: VAULT });
}
