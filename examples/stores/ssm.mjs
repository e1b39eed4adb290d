// A price with a key in AWS Systems Manager Parameter Store, as a SecureString.
//
//   PARAMETER                 the parameter's name or ARN; the version in use has the label `live`, the one before `old`
//   AWS_REGION, credentials   as for any AWS SDK; they need ssm:GetParameter
//   PRICE_API_URL             optional
import { GoldDataClient } from 'goldkey';
import { metalsApi } from 'goldkey/prices';
import { fromSsm } from 'goldkey/ssm';

const gold = new GoldDataClient({
  keyProvider: fromSsm({
    name: process.env.PARAMETER ?? '/prod/gold-api-key',
    // A pipeline or a person moves the label: until then a new version is not used.
    labels: { current: 'live', previous: 'old' },
  }),
  ...metalsApi({ baseUrl: process.env.PRICE_API_URL }),
});

const { price } = await gold.getPrice('XAU');
console.log(`XAU ${price.toFixed(2)} with ${gold.status().version}`);
await gold.close();
