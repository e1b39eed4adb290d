import type { SecretsManagerClient, SecretsManagerClientConfig } from '@aws-sdk/client-secrets-manager';
import { awsService, type AwsConnection, type AwsService } from '../../aws/client.js';
import { packageLoader } from '../../util/load-package.js';
import { SECRETS_MANAGER, SECRETS_MANAGER_ERRORS, type SecretsManagerCall } from './errors.js';
import type { SecretsManagerSdk } from './sdk.js';

export type SecretsManagerConnection = AwsConnection<SecretsManagerSdk, SecretsManagerClient, SecretsManagerCall>;

export const connectToSecretsManager: AwsService<SecretsManagerSdk, SecretsManagerClient, SecretsManagerCall> =
  awsService({
    errors: SECRETS_MANAGER_ERRORS,
    clientType: 'SecretsManagerClient',
    load: packageLoader(
      {
        need: 'goldkey/secrets-manager needs the AWS SDK for Secrets Manager',
        name: '@aws-sdk/client-secrets-manager',
        provider: SECRETS_MANAGER,
      },
      () => import('./sdk.js').then(({ sdk }) => sdk),
      import.meta.url,
    ),
    createClient: (sdk, config) => new sdk.SecretsManagerClient(config as SecretsManagerClientConfig),
  });
