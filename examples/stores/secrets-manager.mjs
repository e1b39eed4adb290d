// A price with a key in AWS Secrets Manager, where a rotation may replace it at any time.
//
//   SECRET_ID                 the secret's name or ARN: JSON with the key in `apiKey`
//   AWS_REGION, credentials   as for any AWS SDK; they need secretsmanager:GetSecretValue
//   PRICE_API_URL             optional
import { GoldDataClient } from 'goldkey';
import { metalsApi } from 'goldkey/prices';
import { fromSecretsManager } from 'goldkey/secrets-manager';

const gold = new GoldDataClient({
  keyProvider: fromSecretsManager({ secretId: process.env.SECRET_ID ?? 'prod/gold-api', field: 'apiKey' }),
  ...metalsApi({ baseUrl: process.env.PRICE_API_URL }),
});

const { price } = await gold.getPrice('XAU');
console.log(`XAU ${price.toFixed(2)} with ${gold.status().version}`);
await gold.close();
