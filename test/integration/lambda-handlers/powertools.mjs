// Powertools' parameters, from Secrets Manager.
import { SecretsProvider } from '@aws-lambda-powertools/parameters/secrets';
import { fetchPrice } from './fetch-price.mjs';

const secrets = new SecretsProvider();

export async function handler({ symbol }) {
  return fetchPrice(symbol, await secrets.get('gold-api-key', { maxAge: 300 }));
}
