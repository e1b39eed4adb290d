// Middy's middleware for Secrets Manager.
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import middy from '@middy/core';
import secretsManager from '@middy/secrets-manager';
import { fetchPrice } from './fetch-price.mjs';

export const handler = middy()
  .use(
    secretsManager({
      AwsClient: SecretsManagerClient,
      fetchData: { key: 'gold-api-key' },
      setToContext: true,
      disablePrefetch: true,
    }),
  )
  .handler(({ symbol }, { key }) => fetchPrice(symbol, key));
