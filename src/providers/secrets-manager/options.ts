import { checkOptionalString, checkOptionNames } from '../../core/index.js';
import type { AwsConnectionOptions } from '../../aws/client.js';
import { checkSecretName } from '../../aws/secret-text.js';

/** Options of `fromSecretsManager`. */
export interface FromSecretsManagerOptions extends AwsConnectionOptions {
  /** The secret's name or ARN; for a secret of another account, the whole ARN; required. */
  secretId: string;
  /**
   * The field that holds the key in a JSON secret. Default: the whole secret, text or binary, is the key; then a JSON
   * object is a `KeyFormatError`.
   */
  field?: string | undefined;
}

/** Returns the checked options, without those for the connection. */
export function checkSecretsManagerOptions(options: FromSecretsManagerOptions): {
  readonly secretId: string;
  readonly field: string | undefined;
} {
  checkOptionNames('fromSecretsManager', options, ['secretId', 'field', 'region', 'client', 'clientConfig']);
  const secretId = checkSecretName('secretId', options.secretId, 'secretsmanager');
  return { secretId, field: checkOptionalString('field', options.field) };
}
