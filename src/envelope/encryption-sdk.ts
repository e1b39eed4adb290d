import { memoize } from '../util/memoize.js';
import { packageLoader } from '../util/load-package.js';

/** The name in errors of what is no cipher's fault. */
export const ENVELOPE = 'envelope';

/** Encrypted data keys that a message may have: each costs a request to a key service. */
const MAX_ENCRYPTED_DATA_KEYS = 5;

const PACKAGE = {
  need: 'goldkey/envelope needs the AWS Encryption SDK',
  install: '@aws-crypto/encrypt-node@5 @aws-crypto/decrypt-node@5 @aws-crypto/material-management-node@5',
  provider: ENVELOPE,
};

const loadMaterials: () => Promise<typeof import('@aws-crypto/material-management-node')> = packageLoader(
  { ...PACKAGE, name: '@aws-crypto/material-management-node' },
  () => import('@aws-crypto/material-management-node'),
);
const loadEncrypt: () => Promise<typeof import('@aws-crypto/encrypt-node')> = packageLoader(
  { ...PACKAGE, name: '@aws-crypto/encrypt-node' },
  () => import('@aws-crypto/encrypt-node'),
);
const loadDecrypt: () => Promise<typeof import('@aws-crypto/decrypt-node')> = packageLoader(
  { ...PACKAGE, name: '@aws-crypto/decrypt-node' },
  () => import('@aws-crypto/decrypt-node'),
);

type Materials = Awaited<ReturnType<typeof loadMaterials>>;

/** The AWS Encryption SDK with the settings of every envelope. */
export interface EncryptionSdk {
  readonly materials: Materials;
  readonly encryptStream: ReturnType<Awaited<ReturnType<typeof loadEncrypt>>['buildEncrypt']>['encryptStream'];
  readonly decryptStream: ReturnType<Awaited<ReturnType<typeof loadDecrypt>>['buildDecrypt']>['decryptStream'];
}

/** Loads the AWS Encryption SDK: the only place that does. */
export const loadEncryptionSdk: () => Promise<EncryptionSdk> = memoize(async () => {
  const materials = await loadMaterials();
  const [{ buildEncrypt }, { buildDecrypt }] = await Promise.all([loadEncrypt(), loadDecrypt()]);
  const settings = {
    commitmentPolicy: materials.CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT,
    maxEncryptedDataKeys: MAX_ENCRYPTED_DATA_KEYS,
  };
  return {
    materials,
    encryptStream: buildEncrypt(settings).encryptStream,
    decryptStream: buildDecrypt(settings).decryptStream,
  };
});
