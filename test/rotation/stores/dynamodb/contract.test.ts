import { afterAll } from 'vitest';
import { dynamoDbRing } from '../../../../src/rotation/stores/dynamodb/index.js';
import { ringStoreContract } from '../ring-contract.js';
import { fakeTable } from './fake-table.js';

const { items, dynamodb } = fakeTable();
afterAll(() => dynamodb.restore());

let rings = 0;

ringStoreContract('dynamoDbRing on a table in memory', async () => {
  const name = `gold-${String(++rings)}`;
  return {
    open: () => dynamoDbRing({ tableName: 'key-rings', name, clientConfig: { region: 'eu-central-1' } }),
    async spoil(text) {
      items.set(name, { ...items.get(name), document: { S: text } });
    },
    stored: async () => items.get(name)?.['document']?.S,
  };
});
