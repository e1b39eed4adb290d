import { UsageError } from '../../errors.js';
import type { PolicyRole } from './names.js';
import type { StorePlace } from './places.js';

/** The narrowest built-in role for each, and its id, the same in every tenant. */
const SECRETS_USER = ['Key Vault Secrets User', '4633458b-17de-408a-b874-0445c86b69e6'] as const;
const SECRETS_OFFICER = ['Key Vault Secrets Officer', 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'] as const;
const READER = ['Key Vault Reader', '21090545-7ca7-4776-b22c-e363652d74d2'] as const;

/** Returns a template for `az deployment group create` that assigns a built-in role for one secret. */
export function buildAzureTemplate(role: PolicyRole, store: StorePlace): object {
  if (store.kind !== 'azure-key-vault') throw new UsageError('--format azure needs --store azure-key-vault://….');
  if (role === 'creator') throw new UsageError('--for creator is for KMS keys: goldkey makes no vaults in Azure.');
  const roles = { reader: SECRETS_USER, writer: SECRETS_OFFICER, rotator: SECRETS_OFFICER, doctor: READER };
  const [title, id] = roles[role];
  const { vault, secret } = store;
  const scope = `Microsoft.KeyVault/vaults/${vault}/secrets/${secret}`;
  return {
    $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
    contentVersion: '1.0.0.0',
    parameters: { principalId: { type: 'string' } },
    resources: [
      {
        type: 'Microsoft.Authorization/roleAssignments',
        apiVersion: '2022-04-01',
        name: `[guid('${scope}', parameters('principalId'), '${id}')]`,
        scope,
        properties: {
          description: `${title}: goldkey ${role}`,
          roleDefinitionId: `[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '${id}')]`,
          principalId: "[parameters('principalId')]",
        },
      },
    ],
  };
}
